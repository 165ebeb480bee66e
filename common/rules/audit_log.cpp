// M-05: is the audit log empty although auditing was on? The procedure calls that an intrusion; a
// full disk, a rotation or a volatile log look the same, so the answer is "suspected" at most,
// after every benign cause was asked for: emptied, explained, or cannot tell.
#include <algorithm>
#include <array>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::AuditLogFacts;
using model::Tristate;
using model::Verdict;

bool missing(const AuditLogFacts& f) { return f.present == Tristate::no; }
bool empty(const AuditLogFacts& f) { return f.present == Tristate::yes && f.size_bytes == 0; }
bool altered(const AuditLogFacts& f) {
  return missing(f) || empty(f) || f.shrunk || f.replaced || f.head_changed || f.zeroed;
}
bool disk_full(const AuditLogFacts& f) { return f.disk_full == Tristate::yes; }
// Only a log that lives in memory loses its records by a restart.
bool maybe_volatile(const AuditLogFacts& f) {
  return f.source == "journal" || f.source.starts_with("/run/") ||
         f.source.starts_with("/dev/shm/");
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
    AuditRule{
        "audit.gap", Verdict::abnormal, "",
        [](const AuditLogFacts& f) { return f.sequence_gap > 0 && !altered(f) && !f.new_boot; }},
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.new_boot",
              [](const AuditLogFacts& f) { return f.sequence_gap > 0 && !altered(f); }},
    AuditRule{"audit.stopped", Verdict::abnormal, "",
              [](const AuditLogFacts& f) {
                return f.auditing_was_on && f.auditing_on == Tristate::no &&
                       (!altered(f) || f.rotated_sibling);
              }},
    AuditRule{"audit.explained", Verdict::normal, "@why.rotated",
              [](const AuditLogFacts& f) { return altered(f) && f.rotated_sibling; }},
    AuditRule{"audit.missing", Verdict::abnormal, "", missing},
    AuditRule{"audit.emptied", Verdict::abnormal, "", empty},
    AuditRule{"audit.shrunk", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.shrunk; }},
    AuditRule{"audit.rewritten", Verdict::abnormal, "",
              [](const AuditLogFacts& f) { return f.head_changed && !f.replaced; }},
    // Rotated and packed at once looks like this, and so does a forged log.
    AuditRule{"audit.cannot_tell", Verdict::cannot_tell, "@why.replaced",
              [](const AuditLogFacts& f) { return f.replaced; }},
    AuditRule{"audit.off", Verdict::cannot_tell, "",
              [](const AuditLogFacts& f) { return f.auditing_on == Tristate::no; }},
    AuditRule{"audit.ok", Verdict::normal, "", [](const AuditLogFacts&) { return true; }},
};

}  // namespace

model::Judgement judge_audit_log(const AuditLogFacts& facts) {
  const auto rule = std::find_if(kAuditRules.begin(), kAuditRules.end(),
                                 [&](const AuditRule& r) { return r.applies(facts); });
  model::Message message{
      std::string(rule->code),
      {said("source", facts.source), said("size", facts.size_bytes),
       said("previous", facts.previous_size_bytes), said("count", facts.sequence_gap),
       model::Parameter{"why", std::string(rule->why)}}};
  if (rule->verdict != Verdict::abnormal) return conclude(rule->verdict, std::move(message));
  return conclude_abnormal(subject_part(facts.source), std::move(message));
}

}  // namespace tocsin::rules
