// M-10: what a virus scanner found. A hit is malware until a person says otherwise; nothing found
// means something only with a scanner that answers, signatures that are not old, and a round that
// was finished.
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

// Signatures of ClamAV come daily; three days allow for a weekend without a mirror.
constexpr Duration kOldSignatures = 72h;

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
  } else if (facts.signatures_at.ns == 0) {
    findings.blind({"antivirus.signatures_unknown", {said("engine", facts.engine)}});
  } else if (at - facts.signatures_at > kOldSignatures) {
    const auto days = (at - facts.signatures_at) / 24h;
    findings.blind({"antivirus.signatures_old",
                    {said("engine", facts.engine), said("version", facts.signatures_version),
                     said("days", static_cast<std::uint64_t>(days))}});
  }
  if (facts.budget_exhausted) {
    findings.blind({"antivirus.unfinished", {said("scanned", facts.scanned)}});
  }
  if (facts.errors > 0) {
    findings.blind({"antivirus.errors", {said("errors", facts.errors)}});
  }
  if (facts.skipped + facts.too_large > 0) {
    findings.note({"antivirus.left_out",
                   {said("skipped", facts.skipped), said("too_large", facts.too_large)}});
  }
  return std::move(findings).finish({"antivirus.clean", {said("scanned", facts.scanned)}});
}

}  // namespace tocsin::rules
