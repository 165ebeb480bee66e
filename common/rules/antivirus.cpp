// M-10: what a virus scanner found. A hit is malware until a person says otherwise; nothing found
// means something only with a scanner that answers, signatures that are not old, and a round that
// was finished and saw what it should.
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

// Signatures of ClamAV come daily; three days allow for a weekend without a mirror.
constexpr Duration kOldSignatures = 72h;
// A time that lies further ahead says nothing, and least of all that they are new.
constexpr Duration kAhead = 24h;
// A finding's subject is cut at limits::kText: of a folder with a longer name its beginning is not
// to be told.
constexpr std::size_t kLongFolder = 512;

std::string_view why(model::FolderUnseen why) {
  switch (why) {
    case model::FolderUnseen::absent:
      return "@antivirus.why.absent";
    case model::FolderUnseen::unmounted:
      return "@antivirus.why.unmounted";
    case model::FolderUnseen::not_permitted:
      return "@antivirus.why.not_permitted";
    case model::FolderUnseen::too_deep:
      return "@antivirus.why.too_deep";
    case model::FolderUnseen::failed:
      break;
  }
  return "@antivirus.why.failed";
}

void judge_signatures(const model::AntivirusFacts& facts, Instant at, Findings& findings) {
  const Duration age = at - facts.signatures_at;
  if (facts.signatures_at.ns == 0 || age < -kAhead) {
    findings.blind({"antivirus.signatures_unknown", {said("engine", facts.engine)}});
  } else if (age > kOldSignatures) {
    findings.blind(
        {"antivirus.signatures_old",
         {said("engine", facts.engine), said("version", subject_part(facts.signatures_version)),
          said("days", static_cast<std::uint64_t>(age / 24h))}});
  }
}

void judge_folders(const model::AntivirusFacts& facts, Findings& findings) {
  for (const model::UnseenFolder& one : facts.folders_unseen) {
    std::string below = one.path;
    if (!below.ends_with('/')) below += '/';
    findings.blind(
        {"antivirus.folder_unseen", {said("folder", one.path), {"why", std::string(why(one.why))}}},
        below.size() > kLongFolder ? everything()
                                   : beginning("malware.found", subject_part(below)));
  }
  if (facts.folders_unseen_over_limit > 0) {
    findings.blind({"antivirus.more_folders", {said("count", facts.folders_unseen_over_limit)}});
  }
  if (facts.names_over_limit > 0) {
    findings.blind({"antivirus.names_left", {said("count", facts.names_over_limit)}});
  }
}

// What a scanner that answers did not look at.
void judge_round(const model::AntivirusFacts& facts, Findings& findings) {
  judge_folders(facts, findings);
  if (facts.programs_unseen) findings.blind({"antivirus.programs_unseen", {}});
  if (facts.unreadable > 0) {
    findings.blind({"antivirus.unreadable", {said("count", facts.unreadable)}});
  }
  if (facts.budget_exhausted) {
    findings.blind({"antivirus.unfinished", {said("scanned", facts.scanned)}});
  }
  if (facts.errors > 0) {
    findings.blind({"antivirus.errors", {said("errors", facts.errors)}});
  }
  if (facts.scanned == 0) findings.blind({"antivirus.nothing_scanned", {}});
  if (facts.skipped + facts.too_large > 0) {
    findings.note({"antivirus.left_out",
                   {said("skipped", facts.skipped), said("too_large", facts.too_large)}});
  }
}

}  // namespace

model::Judgement judge_antivirus(const model::AntivirusFacts& facts, Instant at) {
  Findings findings;
  for (const model::AntivirusHit& hit : facts.hits) {
    findings.add(
        {"malware.found",
         subject_part(hit.path),
         {"malware.found",
          {said("path", hit.path), said("signature", hit.name), said("bytes", hit.size_bytes)}}});
  }
  if (facts.hits_over_limit > 0) {
    findings.note({"malware.more", {said("count", facts.hits_over_limit)}});
    findings.unseen(everything());
  }
  if (facts.scanner_available != model::Tristate::yes) {
    findings.blind({"antivirus.no_scanner", {said("engine", facts.engine)}});
  } else {
    judge_signatures(facts, at, findings);
    judge_round(facts, findings);
  }
  return std::move(findings).finish({"antivirus.clean", {said("scanned", facts.scanned)}});
}

}  // namespace tocsin::rules
