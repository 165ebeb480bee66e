// M-05: is the audit log empty although auditing was on? The procedure calls that an intrusion; a
// full disk, a rotation or a volatile log look the same, so the answer is "suspected" at most,
// after every benign cause was asked for: emptied, explained, or cannot tell.
#include <algorithm>
#include <array>
#include <chrono>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::AuditLogFacts;
using model::HistoryGone;
using model::LogHeartbeat;
using model::Tristate;
using model::Verdict;

bool missing(const AuditLogFacts& f) { return f.present == Tristate::no; }
bool empty(const AuditLogFacts& f) { return f.present == Tristate::yes && f.size_bytes == 0; }
// Why the oldest records of a journal are gone, where a benign cause may be it.
template <model::HistoryGone why>
bool gone(const AuditLogFacts& f) {
  return f.history == why;
}
bool altered(const AuditLogFacts& f) {
  return missing(f) || empty(f) || f.shrunk || f.replaced || f.head_changed || f.content_changed ||
         f.zeroed;
}
// Nothing was done to what is there, so what matters is whether more comes.
bool whole(const AuditLogFacts& f) { return !altered(f) || f.rotated_sibling; }
// Written again without some of its records: no rotation leaves old ones in the new file. Where
// nothing but its length or its start says so, that is said.
bool partly_kept(const AuditLogFacts& f) {
  return f.old_part_only && (f.replaced || f.rotated_sibling || f.packed_sibling);
}
bool replaced_file(const AuditLogFacts& f) { return f.replaced && f.source != "journal"; }
// A look saw more of the log than is left of it after a rotation by copying and cutting.
bool uncopied(const AuditLogFacts& f) {
  return !f.content_changed && f.changed_to > f.changed_from;
}
bool disk_full(const AuditLogFacts& f) { return f.disk_full == Tristate::yes; }
// Only a log that lives in memory loses its records by a restart.
bool maybe_volatile(const AuditLogFacts& f) {
  return f.source == "journal" || is_in_memory(f.source);
}

// What the kernel says counts; where it does not say, what the log itself recorded.
bool turned_off(const AuditLogFacts& f) {
  return f.kernel.enabled == Tristate::no ||
         (f.kernel.enabled == Tristate::unknown && f.recorded_on == Tristate::no);
}
// The kernel audits, and its records go to nobody or to another program than the audit daemon.
bool diverted(const AuditLogFacts& f) {
  return f.kernel.enabled == Tristate::yes &&
         (f.kernel.reader_pid == 0 || (!f.kernel.reader.empty() && f.kernel.reader != "auditd"));
}

struct AuditRule {
  std::string_view code;
  Verdict verdict;
  std::string_view why;
  bool (*applies)(const AuditLogFacts&);
};

// First match wins: what we cannot see, then prior state, then benign causes, then suspicions.
constexpr std::array kAuditRules{
    AuditRule{"audit.not_readable", Verdict::cannot_tell, "",
              [](const AuditLogFacts& f) {
                return f.present == Tristate::unknown ||
                       (f.present == Tristate::yes && f.readable != Tristate::yes);
              }},
    AuditRule{
        "audit.never_on", Verdict::cannot_tell, "",
        [](const AuditLogFacts& f) { return (missing(f) || empty(f)) && !f.auditing_was_on; }},
    // A copy with truncation leaves zeros too; a wiper may have left the copy there.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.rotated",
              [](const AuditLogFacts& f) { return f.zeroed && f.rotated_sibling; }},
    AuditRule{"audit.zeroed", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.zeroed; }},
    AuditRule{"audit.history_gone", Verdict::abnormal, "", gone<HistoryGone::unexplained>},
    AuditRule{"audit.edited", Verdict::abnormal, "", partly_kept},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.disk_full",
              [](const AuditLogFacts& f) {
                return (altered(f) || f.sequence_gap > 0) && disk_full(f) && !f.rotated_sibling;
              }},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.new_boot",
              [](const AuditLogFacts& f) {
                return (altered(f) || f.sequence_gap > 0) && f.new_boot && maybe_volatile(f);
              }},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.rotated",
              [](const AuditLogFacts& f) { return f.sequence_gap > 0 && f.rotated_sibling; }},
    // Also within a file that is new in its place: its first record begins the count.
    AuditRule{"audit.gap", Verdict::abnormal, "",
              [](const AuditLogFacts& f) {
                return f.sequence_gap > 0 && (!altered(f) || replaced_file(f)) && !f.new_boot;
              }},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.new_boot",
              [](const AuditLogFacts& f) { return f.sequence_gap > 0 && !altered(f); }},
    AuditRule{
        "audit.disabled", Verdict::abnormal, "",
        [](const AuditLogFacts& f) { return f.auditing_was_on && turned_off(f) && whole(f); }},
    AuditRule{"audit.stopped", Verdict::abnormal, "",
              [](const AuditLogFacts& f) {
                return f.auditing_was_on && f.auditing_on == Tristate::no && whole(f);
              }},
    AuditRule{"audit.diverted", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.auditing_was_on && diverted(f) && whole(f); }},
    AuditRule{"audit.lost_records", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.kernel.lost_since > 0 && whole(f); }},
    // The daemon runs, and what is written does not arrive.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.disk_full",
              [](const AuditLogFacts& f) {
                return f.heartbeat == LogHeartbeat::missing && disk_full(f) && whole(f);
              }},
    AuditRule{"audit.heartbeat_missing", Verdict::abnormal, "",
              [](const AuditLogFacts& f) {
                return f.heartbeat == LogHeartbeat::missing && f.heartbeat_worked && whole(f);
              }},
    AuditRule{"audit.heartbeat_refused", Verdict::cannot_tell, "",
              [](const AuditLogFacts& f) {
                return f.heartbeat == LogHeartbeat::not_written && f.heartbeat_worked && whole(f);
              }},
    // Renamed a moment ago, and not made anew yet.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.rotated",
              [](const AuditLogFacts& f) { return missing(f) && f.rotated_sibling; }},
    // Written between the copy and the cut, or taken out by somebody: the agent has made sure that
    // it is little and all else is there (agent/checks/audit_log_facts.hpp).
    AuditRule{
        "audit.uncopied", Verdict::cannot_tell, "",
        [](const AuditLogFacts& f) { return altered(f) && f.rotated_sibling && uncopied(f); }},
    AuditRule{"audit.explained", Verdict::normal, "@why.rotated",
              [](const AuditLogFacts& f) { return altered(f) && f.rotated_sibling; }},
    // Packed by a program that we cannot unpack, or too large: it may be the old content.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.packed",
              [](const AuditLogFacts& f) { return altered(f) && f.packed_sibling; }},
    AuditRule{"audit.missing", Verdict::abnormal, "", missing},
    AuditRule{"audit.emptied", Verdict::abnormal, "", empty},
    AuditRule{"audit.shrunk", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.shrunk; }},
    AuditRule{"audit.rewritten", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.head_changed && !f.replaced; }},
    AuditRule{"audit.altered", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.content_changed && !f.replaced; }},
    // The oldest of a journal is gone, and there may be a benign cause.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.maybe_retention",
              gone<HistoryGone::maybe_by_retention>},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.disk_short",
              gone<HistoryGone::disk_short>},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.retention_changed",
              gone<HistoryGone::settings_changed>},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.machine_id",
              gone<HistoryGone::machine_changed>},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.files_unread",
              gone<HistoryGone::files_unread>},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.new_boot",
              gone<HistoryGone::in_memory>},
    // Rotated and packed at once looks like this, and so does a forged log.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.replaced",
              [](const AuditLogFacts& f) { return f.replaced; }},
    // It is said for a day.
    AuditRule{"audit.uncopied", Verdict::cannot_tell, "", uncopied},
    AuditRule{
        "audit.off", Verdict::cannot_tell, "",
        [](const AuditLogFacts& f) { return f.auditing_on == Tristate::no || turned_off(f); }},
    AuditRule{"audit.explained", Verdict::normal, "@why.retention",
              gone<HistoryGone::by_retention>},
    AuditRule{"audit.ok", Verdict::normal, "", [](const AuditLogFacts&) { return true; }},
};

std::string_view why_unasked(model::KernelUnasked unasked) {
  switch (unasked) {
    case model::KernelUnasked::not_permitted:
      return "@audit.why.not_permitted";
    case model::KernelUnasked::not_supported:
      return "@audit.why.not_supported";
    case model::KernelUnasked::failed:
    case model::KernelUnasked::none:
      break;
  }
  return "@audit.why.no_answer";
}

// What only one of the reasons speaks of.
void add_own_words(const AuditLogFacts& f, model::Message& message) {
  std::vector<model::Parameter>& parameters = message.parameters;
  if (message.code == "audit.lost_records") parameters.push_back(said("lost", f.kernel.lost_since));
  if (message.code == "audit.diverted") {
    parameters.push_back(said("reader", f.kernel.reader.empty() ? "-" : f.kernel.reader));
  }
  if (message.code == "audit.history_gone") {
    const auto gone =
        std::chrono::duration_cast<std::chrono::minutes>(f.oldest - f.previous_oldest);
    parameters.push_back(
        said("minutes", static_cast<std::uint64_t>(std::max<std::int64_t>(gone.count(), 1))));
  }
  if (message.code == "audit.altered") {
    parameters.push_back(said("from", f.changed_from));
    parameters.push_back(said("to", f.changed_to));
  }
  if (message.code == "audit.uncopied") {
    parameters.push_back(said("bytes", f.changed_to - f.changed_from));
  }
}

// What could not be seen beside: it changes no verdict.
void add_blind_spots(const AuditLogFacts& f, std::vector<model::Message>& reasons) {
  if (uncopied(f) && reasons.front().code != "audit.uncopied") {
    reasons.push_back({"audit.uncopied",
                       {said("source", f.source), said("bytes", f.changed_to - f.changed_from)}});
  }
  if (f.unread > 0) {
    const bool journal = f.source == "journal";
    reasons.push_back({journal ? "audit.uncounted" : "audit.unread",
                       {said("source", f.source), said("count", f.unread)}});
  }
  if (f.kernel.unasked != model::KernelUnasked::none) {
    reasons.push_back({"audit.kernel_unknown",
                       {said("source", f.source),
                        model::Parameter{"why", std::string(why_unasked(f.kernel.unasked))}}});
  }
  const bool no_sign =
      f.heartbeat == LogHeartbeat::missing || f.heartbeat == LogHeartbeat::not_written;
  if (no_sign && !f.heartbeat_worked) {
    reasons.push_back({"audit.heartbeat_never", {said("source", f.source)}});
  }
}

}  // namespace

bool is_in_memory(std::string_view log) {
  return log.starts_with("/run/") || log.starts_with("/dev/shm/");
}

model::Judgement judge_audit_log(const AuditLogFacts& facts) {
  const auto rule = std::find_if(kAuditRules.begin(), kAuditRules.end(),
                                 [&](const AuditRule& r) { return r.applies(facts); });
  model::Message message{
      std::string(rule->code),
      {said("source", facts.source), said("size", facts.size_bytes),
       said("previous", facts.previous_size_bytes), said("count", facts.sequence_gap),
       model::Parameter{"why", std::string(rule->why)}}};
  add_own_words(facts, message);
  model::Judgement judgement =
      rule->verdict == Verdict::abnormal
          ? conclude_abnormal(subject_part(facts.source), std::move(message))
          : conclude(rule->verdict, std::move(message));
  // Nothing is wrong with the log as it is now: what was found in it before is over.
  if (rule->code == "audit.uncopied" && !altered(facts)) judgement.unseen.clear();
  add_blind_spots(facts, judgement.reasons);
  return judgement;
}

}  // namespace tocsin::rules
