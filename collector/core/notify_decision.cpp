#include "collector/core/notify_decision.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "collector/core/decisions.hpp"
#include "collector/core/mail_text.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kPendingLimit = 10'000;
constexpr std::uint32_t kAttempts = 10;
constexpr Duration kFirstRetry = 30s;
constexpr Duration kLongestRetry = 30min;

constexpr std::string_view kNetworkGroup = "network";

bool is_first_line(model::Role role) {
  return role == model::Role::duty || role == model::Role::working_group;
}

// Does it say that something is wrong, or how it went on?
bool tells_of_a_break(NotifyReason reason) {
  switch (reason) {
    case NotifyReason::opened:
    case NotifyReason::worse:
    case NotifyReason::reminder:
    case NotifyReason::flapping:
      return true;
    default:
      return false;
  }
}

// The network management group hears of confirmed breaks of the network, of how those went on that
// it heard of, and of nothing else (procedure M-01). How long a repair takes first line is asked.
bool is_concerned(const model::ContactPolicy& contact, const model::Incident& incident,
                  const Occasion& occasion) {
  if (contact.group == kNetworkGroup) {
    if (!tells_of_a_break(occasion.reason)) return bool(incident.network_told);
    return incident.kind == to_string(Kind::network) &&
           occasion.confidence == Confidence::confirmed;
  }
  if (occasion.reason == NotifyReason::estimate_needed) return is_first_line(contact.role);
  return !occasion.now_confirmed;
}

void note_told(Context& context, IncidentId id, const model::ContactPolicy& contact,
               const model::Notification& row) {
  if (contact.group != kNetworkGroup || !row.suppressed.empty()) return;
  model::Incident* incident = context.world.incidents.change(id);
  if (incident != nullptr && !incident->network_told) incident->network_told = row.id;
}

bool may_assent(const model::ContactPolicy& contact, const model::Incident& incident,
                model::Severity asked) {
  return contact.group != "network" && contact.role != model::Role::committee &&
         may_approve(contact.role, incident, asked);
}

// The officer, and below A the working group. Where the site names neither, the first line passes
// the question on (procedure P-05).
bool is_asked(const model::SitePolicy& policy, const model::ContactPolicy& contact,
              const model::Incident& incident, model::Severity asked) {
  const bool anybody =
      std::any_of(policy.contacts.begin(), policy.contacts.end(),
                  [&](const auto& one) { return may_assent(one, incident, asked); });
  return anybody ? may_assent(contact, incident, asked) : is_first_line(contact.role);
}

const model::ChannelPolicy* channel_of(const model::SitePolicy& policy, std::string_view name) {
  const auto it = std::find_if(policy.channels.begin(), policy.channels.end(),
                               [&](const model::ChannelPolicy& c) { return c.name == name; });
  return it == policy.channels.end() ? nullptr : &*it;
}

// That a contact asked for worse grades only is worth a row when something begins or gets worse,
// not at every reminder.
bool is_worth_a_row(SuppressedReason why, NotifyReason reason) {
  const bool usual = why == SuppressedReason::below_threshold || why == SuppressedReason::role;
  return !usual || reason == NotifyReason::opened || reason == NotifyReason::worse ||
         reason == NotifyReason::asked;
}

model::Notification row_for(const Context& context, const model::Incident& incident,
                            const Occasion& occasion, const model::ContactPolicy& contact) {
  model::Notification row;
  row.id = {context.world.add("last/notification")};
  row.incident = incident.id;
  row.reason = to_string(occasion.reason);
  row.channel = contact.channel;
  row.recipient = contact.address;
  row.language = contact.language;
  row.subject = subject_of(incident, occasion);
  row.body = body_of(context, incident);
  row.created = context.now;
  row.due = context.now;
  // With the time: positions and ids are given again after the journal was put back from a copy,
  // and a mail server would drop as a duplicate what is another message.
  row.idempotency_key = fmt::format("tocsin.{}.{}.{}.{:x}", context.position.value, row.id.value,
                                    incident.id.value, context.now.ns);
  return row;
}

void keep(Context& context, model::Notification row) {
  const NotificationId id = row.id;
  const bool done = row.status != model::NotificationStatus::pending;
  context.world.notifications.put(id, std::move(row));
  if (done) context.world.notifications.forget(id);
  context.effects.outbox_changed = true;
}

void suppress(model::Notification& row, SuppressedReason why) {
  row.status = model::NotificationStatus::suppressed;
  row.suppressed = to_string(why);
}

void give_up(Context& context, const model::Notification& row) {
  context.world.add("counter/notifications_failed");
  context.world.add_timeline({row.incident,
                              0,
                              context.now,
                              context.position,
                              {"notification.failed",
                               {{"channel", row.channel},
                                {"recipient", row.recipient},
                                {"attempts", std::to_string(row.attempts)}}},
                              {}});
}

}  // namespace

std::string_view to_string(NotifyReason reason) {
  switch (reason) {
    case NotifyReason::opened:
      return "opened";
    case NotifyReason::worse:
      return "worse";
    case NotifyReason::asked:
      return "asked";
    case NotifyReason::milder:
      return "milder";
    case NotifyReason::recovered:
      return "recovered";
    case NotifyReason::registered:
      return "registered";
    case NotifyReason::reminder:
      return "reminder";
    case NotifyReason::graded:
      return "graded";
    case NotifyReason::corrected:
      return "corrected";
    case NotifyReason::flapping:
      return "flapping";
    case NotifyReason::undecided:
      return "undecided";
    case NotifyReason::estimate_needed:
      return "estimate_needed";
    case NotifyReason::overdue:
      return "overdue";
  }
  return "unknown";
}

std::string_view to_string(SuppressedReason reason) {
  switch (reason) {
    case SuppressedReason::below_threshold:
      return "below_threshold";
    case SuppressedReason::role:
      return "role";
    case SuppressedReason::awaits_officer:
      return "awaits_officer";
    case SuppressedReason::contradicted:
      return "contradicted";
    case SuppressedReason::already_over:
      return "already_over";
    case SuppressedReason::acknowledged:
      return "acknowledged";
    case SuppressedReason::no_channel:
      return "no_channel";
    case SuppressedReason::outbox_full:
      return "outbox_full";
  }
  return "unknown";
}

std::optional<SuppressedReason> suppressed(const model::ContactPolicy& contact,
                                           const Occasion& occasion) {
  if (occasion.already_over) return SuppressedReason::already_over;
  if (contact.role == model::Role::auditor) return SuppressedReason::role;
  if (std::max({occasion.severity, occasion.before, occasion.asked}) < contact.at_least) {
    return SuppressedReason::below_threshold;
  }
  if (contact.role == model::Role::committee && !occasion.for_committee) {
    return SuppressedReason::awaits_officer;
  }
  const bool was_told = occasion.before != model::Severity::none;
  if (occasion.confidence == Confidence::contradicted && !was_told &&
      !is_first_line(contact.role)) {
    return SuppressedReason::contradicted;
  }
  return std::nullopt;
}

Duration reminder_interval(model::Severity severity) {
  switch (severity) {
    case model::Severity::a:
      return 10min;
    case model::Severity::b:
      return 15min;
    case model::Severity::c:
      return 30min;
    case model::Severity::d:
      return 4h;
    case model::Severity::e:
    case model::Severity::none:
      break;
  }
  return 24h;
}

void notify(Context& context, const model::Incident& incident, const Occasion& what) {
  Occasion occasion = what;
  // Once the officer has confirmed an A, the committee hears all that follows (P-09).
  occasion.for_committee = what.for_committee || incident.approved == model::Severity::a;
  for (const model::ContactPolicy& contact : context.policy.contacts) {
    if (!is_concerned(contact, incident, occasion)) continue;
    const bool to_all = occasion.asked == model::Severity::none;
    if (!to_all && !is_asked(context.policy, contact, incident, occasion.asked)) continue;
    std::optional<SuppressedReason> why = suppressed(contact, occasion);
    if (!why && channel_of(context.policy, contact.channel) == nullptr) {
      why = SuppressedReason::no_channel;
    }
    if (!why && context.world.notifications.rows().size() >= kPendingLimit) {
      context.world.add("counter/notifications_over_limit");
      why = SuppressedReason::outbox_full;
    }
    if (why && !is_worth_a_row(*why, occasion.reason)) continue;
    model::Notification row = row_for(context, incident, occasion, contact);
    if (why) suppress(row, *why);
    note_told(context, incident.id, contact, row);
    keep(context, std::move(row));
  }
}

void withdraw(Context& context, IncidentId incident, SuppressedReason reason) {
  std::vector<NotificationId> taken_back;
  for (const auto& [id, row] : context.world.notifications.rows()) {
    const bool answered_for =
        reason != SuppressedReason::acknowledged || row.reason == to_string(NotifyReason::reminder);
    if (row.incident == incident && answered_for) taken_back.push_back(id);
  }
  for (const NotificationId id : taken_back) {
    model::Notification& row = *context.world.notifications.change(id);
    model::Incident* about = context.world.incidents.change(incident);
    const bool was_first = about != nullptr && about->network_told == id && row.attempts == 0;
    if (was_first) about->network_told = {};
    suppress(row, reason);
    context.world.notifications.forget(id);
    context.effects.outbox_changed = true;
  }
}

std::optional<Duration> retry_after(std::uint32_t attempts) {
  if (attempts >= kAttempts) return std::nullopt;
  Duration wait = kFirstRetry;
  for (std::uint32_t i = 1; i < attempts && wait < kLongestRetry; ++i) wait *= 2;
  return std::min(wait, kLongestRetry);
}

void take_outcome(Context& context, const model::DeliveryOutcome& outcome) {
  model::Notification* row = context.world.notifications.change(outcome.notification);
  if (row == nullptr || outcome.attempt <= row->attempts) {
    context.world.add("counter/outcomes_ignored");
    return;
  }
  row->attempts = outcome.attempt;
  row->last_detail = outcome.detail;
  context.effects.outbox_changed = true;
  if (outcome.result == model::DeliveryResult::delivered) {
    row->status = model::NotificationStatus::delivered;
  } else {
    const std::optional<Duration> wait = retry_after(row->attempts);
    if (outcome.result == model::DeliveryResult::retry && wait) {
      row->due = context.now + *wait;
      return;
    }
    row->status = model::NotificationStatus::failed;
    give_up(context, *row);
  }
  context.world.notifications.forget(outcome.notification);
}

}  // namespace tocsin::collector
