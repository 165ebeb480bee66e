// Who is told of an incident, when, and who is not and why. A notification exists from the moment
// its incident changed; sending it, and what the other side said, is the outbox worker's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/grade.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

enum class NotifyReason : std::uint8_t {
  opened,
  worse,
  asked,   // a worse grade is proposed and needs a person's assent
  milder,  // the grade fell, and stayed so for a while
  recovered,
  registered,
  reminder,
  graded,           // a person approved a grade (procedure S-04)
  corrected,        // a person judged it a false alarm
  flapping,         // it comes and goes: one message, then a digest
  undecided,        // nothing of it is watched any more: a person says whether it is over
  estimate_needed,  // nobody said yet how long the repair takes (procedure P-04)
  overdue,          // the repair takes longer than was estimated (procedure G-03)
};
std::string_view to_string(NotifyReason reason);

enum class SuppressedReason : std::uint8_t {
  below_threshold,  // the contact asked for worse grades only
  role,             // the role is not told of this by itself (auditors)
  awaits_officer,   // the committee is told when the officer confirms (procedure P-08, P-09)
  contradicted,     // other vantage points disagree: first line only
  already_over,     // it was over before anybody was told
  acknowledged,     // somebody answered before the reminder was sent
  no_channel,       // the policy names no such channel
  outbox_full,
};
std::string_view to_string(SuppressedReason reason);

// What the decision looks at.
struct Occasion {
  NotifyReason reason = NotifyReason::opened;
  model::Severity severity = model::Severity::none;  // the grade that people are told of
  Confidence confidence = Confidence::suspected;
  bool already_over = false;
  model::Severity before = model::Severity::none;  // who was told of this hears of the change too
  bool for_committee = false;                      // grade A was confirmed, or taken back
  bool now_confirmed = false;  // nothing else is new: for those who hear of confirmed ones only
  // The grade whose assent is asked for: only who may give it is told, as if it were that grade.
  model::Severity asked = model::Severity::none;
};

// nullopt: tell this contact.
std::optional<SuppressedReason> suppressed(const model::ContactPolicy& contact,
                                           const Occasion& occasion);

// Until somebody acknowledges, again after this; shorter for worse grades.
Duration reminder_interval(model::Severity severity);

// One row a contact: pending, or suppressed with its reason.
void notify(Context& context, const model::Incident& incident, const Occasion& occasion);

// Takes back what was not delivered yet: everything about an incident that is over, or the
// reminders about one that somebody answered.
void withdraw(Context& context, IncidentId incident, SuppressedReason reason);

// The wait before attempt `attempts` + 1; nullopt when it is given up.
std::optional<Duration> retry_after(std::uint32_t attempts);
void take_outcome(Context& context, const model::DeliveryOutcome& outcome);

}  // namespace tocsin::collector
