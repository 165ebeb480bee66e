#include "collector/core/decisions.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/core/correlate.hpp"
#include "collector/core/incident.hpp"
#include "collector/core/learning.hpp"
#include "collector/core/notify_decision.hpp"

namespace tocsin::collector {
namespace {

using model::IncidentVerdict;
using model::Severity;

std::string word(Severity severity) { return std::string(model::to_string(severity)); }

std::string text_of(IncidentVerdict verdict) {
  return fmt::format("@incident_verdict.{}", model::to_string(verdict));
}

// "6h10m", "45m": the same in both languages.
std::string duration_text(Duration duration) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
  if (minutes >= 60) return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  return fmt::format("{}m", minutes);
}

model::Decided decided(const Context& context, const model::Principal& by,
                       const std::string& reason) {
  return {by, context.now, reason};
}

void set_verdict(Context& context, model::Incident& incident, IncidentVerdict verdict,
                 const model::Principal& by, const std::string& reason) {
  incident.verdict = verdict;
  incident.verdict_decided = decided(context, by, reason);
  remember_verdict(context.world, incident);
  note(context, incident.id,
       {"incident.judged", {{"name", by.name}, {"verdict", text_of(verdict)}, {"note", reason}}},
       by);
}

// The key of the agent that found it was revoked, and it is still open: nobody will look again. A
// state of an older version has such findings.
bool is_left_behind(const World& world, const model::Finding& finding) {
  const model::Host* host = world.hosts.find(finding.agent);
  return !finding.closed && host != nullptr && host->revoked;
}

bool has_left_behind(const World& world, const model::Incident& incident) {
  return std::any_of(incident.findings.begin(), incident.findings.end(), [&](FindingId id) {
    const model::Finding* finding = world.finding(id);
    return finding != nullptr && is_left_behind(world, *finding);
  });
}

// When the last of its findings that still counts will have been good for long enough; nullopt: one
// is still bad. What was left behind is for a person to judge.
std::optional<Instant> quiet_at(const Context& context, const model::Incident& incident) {
  Instant quiet = context.now;
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = context.world.finding(id);
    if (finding == nullptr || is_left_behind(context.world, *finding)) continue;
    if (!finding->closed) return std::nullopt;
    if (!finding->unwatched) quiet = std::max(quiet, *finding->closed + context.policy.stable);
  }
  return quiet;
}

}  // namespace

Severity grade_in_force(const model::Incident& incident) {
  const bool holds = incident.approved != Severity::none && !incident.needs_review;
  return holds ? incident.approved : std::max(incident.live, incident.approved);
}

Severity governing_grade(const model::Incident& incident) {
  const bool holds = incident.approved != Severity::none && !incident.needs_review;
  return holds ? incident.approved : std::max(incident.peak, incident.approved);
}

bool may_approve(model::Role role, const model::Incident& incident, Severity severity) {
  const bool concerns_a = severity == Severity::a || incident.approved == Severity::a;
  return role == model::Role::officer || role == model::Role::committee ||
         (role == model::Role::working_group && !concerns_a);
}

bool awaits_assent(const model::Incident& incident) {
  const bool answered = !incident.asked_at || incident.approved_decided.at >= *incident.asked_at;
  return !answered && !incident.recovered && !incident.closed &&
         incident.explanation.asks > grade_in_force(incident);
}

bool may_close(model::Role role, const model::Incident& incident) {
  return role ==
         (governing_grade(incident) == Severity::a ? model::Role::committee : model::Role::officer);
}

std::optional<model::Message> not_closable(const Context& context, const model::Incident& incident,
                                           IncidentVerdict verdict) {
  const bool settled = verdict == IncidentVerdict::false_alarm ||
                       verdict == IncidentVerdict::fault || verdict == IncidentVerdict::security;
  if (!settled) return model::Message{"command.verdict_needed", {}};
  // What was no fault at all need not be repaired, and burns no number.
  if (verdict == IncidentVerdict::false_alarm) return std::nullopt;
  if (verdict == IncidentVerdict::security && !incident.registered) {
    return model::Message{"command.not_registered", {{"id", std::to_string(incident.id.value)}}};
  }
  const std::optional<Instant> quiet = quiet_at(context, incident);
  if (!quiet) return model::Message{"command.still_bad", {}};
  const bool over =
      incident.recovered || incident.undecided || has_left_behind(context.world, incident);
  if (*quiet > context.now || !over) {
    return model::Message{"command.not_quiet", {{"wait", duration_text(*quiet - context.now)}}};
  }
  return std::nullopt;
}

void judge_incident(Context& context, IncidentId id, IncidentVerdict verdict,
                    const model::Principal& by, const std::string& reason) {
  model::Incident& incident = *context.world.incidents.change(id);
  const bool dismissed = verdict == IncidentVerdict::false_alarm;
  const bool corrects = dismissed && incident.verdict != IncidentVerdict::false_alarm;
  set_verdict(context, incident, verdict, by, reason);
  incident.decided_basis = incident.live;
  if (dismissed) incident.needs_review = false;
  revise(incident, by);
  set_next_duties(context, incident);
  if (corrects) {
    // Everyone who was told hears the correction (更正通報).
    notify(context, incident,
           {NotifyReason::corrected, incident.peak, Confidence::confirmed, false});
  }
  regrade(context, id);
}

void approve_grade(Context& context, IncidentId id, Severity severity, const model::Principal& by,
                   const std::string& reason) {
  model::Incident& incident = *context.world.incidents.change(id);
  const Severity before = governing_grade(incident);
  const bool was_a = incident.approved == Severity::a;
  incident.approved = severity;
  incident.approved_decided = decided(context, by, reason);
  incident.decided_basis = incident.live;
  incident.needs_review = false;
  revise(incident, by);
  note(context, id,
       {"incident.approved", {{"name", by.name}, {"severity", word(severity)}, {"note", reason}}},
       by);
  set_next_duties(context, incident);
  Occasion occasion{NotifyReason::graded, severity, Confidence::confirmed, false};
  occasion.before = before;
  occasion.for_committee = was_a || severity == Severity::a;
  notify(context, incident, occasion);
}

void estimate_repair(Context& context, IncidentId id, Duration duration, const model::Principal& by,
                     const std::string& reason) {
  model::Incident& incident = *context.world.incidents.change(id);
  const std::uint32_t revisions = incident.estimate ? incident.estimate->revisions + 1 : 0;
  incident.estimate = model::RepairEstimate{duration, decided(context, by, reason), revisions};
  revise(incident, by);
  note(context, id,
       {"incident.estimated",
        {{"name", by.name}, {"duration", duration_text(duration)}, {"note", reason}}},
       by);
  expect_repair(context, id);
}

void close_incident(Context& context, IncidentId id, IncidentVerdict verdict,
                    const model::Principal& by, const std::string& cause) {
  model::Incident& incident = *context.world.incidents.change(id);
  const bool corrects =
      verdict == IncidentVerdict::false_alarm && incident.verdict != IncidentVerdict::false_alarm;
  if (incident.verdict != verdict) set_verdict(context, incident, verdict, by, cause);
  incident.closed_decided = decided(context, by, cause);
  note(context, id,
       {"incident.closed", {{"name", by.name}, {"verdict", text_of(verdict)}, {"cause", cause}}},
       by);
  const model::Incident as_closed = incident;
  finish(context, incident, by);
  if (corrects) {
    notify(context, as_closed,
           {NotifyReason::corrected, as_closed.peak, Confidence::confirmed, false});
  }
}

}  // namespace tocsin::collector
