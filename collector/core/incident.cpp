#include "collector/core/incident.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "collector/core/correlate.hpp"
#include "collector/core/darkness.hpp"
#include "collector/core/decisions.hpp"
#include "collector/core/inquiry.hpp"
#include "collector/core/notify_decision.hpp"
#include "collector/core/number.hpp"
#include "collector/core/probes.hpp"
#include "common/base/result.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kFindingsOfIncident = 256;
constexpr std::size_t kFlappingFrom = 2;  // times that it came back within the window
constexpr Duration kFlappingWindow = 30min;
constexpr Duration kFlappingDigest = 30min;
// How often people are asked how long the repair takes (rule B3), and for another estimate after
// one has passed; for a milder grade as seldom as they are reminded.
constexpr Duration kAskForEstimate = 30min;

template <class Tag>
std::string timer_key(std::string_view purpose, NumberId<Tag> id) {
  return fmt::format("{}/{}", purpose, id.value);
}

std::string word(model::Severity severity) { return std::string(model::to_string(severity)); }

// A service that restarts by itself sooner is an event, not an incident; so is what one look saw
// and the next one did not, where that may be.
Duration minimum_of(const Context& context, const model::Finding& finding) {
  if (finding.check.kind == model::CheckKind::service) return context.policy.service_minimum;
  const auto meaning = meaning_of(finding.code);
  const bool once = meaning && meaning->of_one_look;
  return once ? until_next_look(context.world, context.policy, finding) : Duration{};
}

GradeLimits limits_of(const model::SitePolicy& policy) {
  return {policy.grade_short, policy.grade_day, policy.recurrences};
}

Occasion occasion_of(NotifyReason reason, model::Severity severity, const GradeFacts& facts) {
  return {reason, severity, facts.confidence, false};
}

bool had_confidence(const model::Incident& incident, Confidence confidence) {
  const auto& facts = incident.explanation.facts;
  const model::Parameter said{"confidence", std::string(to_string(confidence))};
  return std::find(facts.begin(), facts.end(), said) != facts.end();
}

// An occasion of an incident of which nothing counts any more: as it was graded last.
Occasion as_left(NotifyReason reason, const model::Incident& incident) {
  Occasion occasion{reason, grade_in_force(incident), Confidence::suspected, false};
  for (const Confidence confidence : {Confidence::contradicted, Confidence::confirmed}) {
    if (had_confidence(incident, confidence)) occasion.confidence = confidence;
  }
  return occasion;
}

void set_reminder(Context& context, const model::Incident& incident) {
  context.world.timers.set(timer_key("remind", incident.id),
                           context.now + reminder_interval(grade_in_force(incident)));
}

void set_registration(Context& context, const model::Incident& incident) {
  const std::string key = timer_key("register", incident.id);
  // False alarms burn no numbers.
  const bool due = !incident.registered && incident.peak >= model::Severity::c &&
                   incident.verdict != model::IncidentVerdict::false_alarm;
  if (due && !context.world.timers.due(key)) {
    context.world.timers.set(key, context.now + context.policy.auto_register);
  }
}

bool is_dismissed(const model::Incident& incident) {
  return incident.verdict == model::IncidentVerdict::false_alarm && !incident.needs_review;
}

// When the repair should be done, as somebody estimated in this interruption.
std::optional<Instant> repair_due(const model::Incident& incident) {
  if (!incident.estimate || incident.estimate->decided.at < incident.first_bad) return std::nullopt;
  return incident.estimate->decided.at + incident.estimate->duration;
}

Duration ask_again_after(const model::Incident& incident) {
  return std::max(kAskForEstimate, reminder_interval(grade_in_force(incident)));
}

// The next time that the repair is asked about (procedure P-04, G-03).
void set_repair_question(Context& context, const model::Incident& incident) {
  const std::string key = timer_key("estimate", incident.id);
  const std::optional<Instant> due = repair_due(incident);
  if (is_dismissed(incident) || (!due && !lacks_estimate(incident))) {
    context.world.timers.clear(key);
  } else if (!context.world.timers.due(key)) {
    const bool to_come = due && *due > context.now;
    context.world.timers.set(key, to_come ? *due : context.now + ask_again_after(incident));
  }
}

void set_end(Context& context, const model::Incident& incident) {
  for (const std::string_view purpose : {"regrade", "remind", "milder", "estimate"}) {
    context.world.timers.clear(timer_key(purpose, incident.id));
  }
  context.world.timers.set(timer_key("close", incident.id), context.now + kCloseAfter);
}

// People are told that the grade fell when it has stayed so for the policy's `stable` time, which
// spares them what only came and went.
void follow_fall(Context& context, const model::Incident& incident) {
  const std::string key = timer_key("milder", incident.id);
  if (incident.live >= incident.told) {
    context.world.timers.clear(key);
  } else if (!context.world.timers.due(key)) {
    context.world.timers.set(key, context.now + context.policy.stable);
  }
}

// The grade got worse than what people were told: they are told as if it were new (S-04).
void raise(Context& context, model::Incident& incident, const Occasion& occasion) {
  revise(incident, {});
  incident.acknowledged.reset();
  incident.acknowledged_by = {};
  set_reminder(context, incident);
  set_registration(context, incident);
  incident.told = incident.live;
  notify(context, incident, occasion);
}

// A rule proposes a worse grade that only a person makes the incident's own (procedure P-08): it is
// asked for once, and again only where a worse one is proposed. Is it asked for now?
bool asks_for_assent(Context& context, model::Incident& incident) {
  const model::Severity asks = incident.explanation.asks;
  if (is_dismissed(incident) || asks <= std::max(incident.asked, grade_in_force(incident)))
    return false;
  incident.asked = asks;
  incident.asked_at = context.now;
  note(context, incident.id, {"incident.asked", {{"severity", word(asks)}}});
  return true;
}

void ask_for_assent(Context& context, const model::Incident& incident, const GradeFacts& facts) {
  Occasion occasion = occasion_of(NotifyReason::asked, incident.live, facts);
  occasion.asked = incident.asked;
  notify(context, incident, occasion);
}

void recover(Context& context, model::Incident& incident) {
  incident.recovered = context.now;
  note(context, incident.id, {"incident.recovered", {{"from", word(incident.live)}}});
  incident.live = model::Severity::none;
  incident.flapping = false;
  incident.transitions.clear();
  context.world.timers.clear(timer_key("flapping", incident.id));
  withdraw(context, incident.id, SuppressedReason::already_over);
  set_end(context, incident);
  notify(context, incident, {NotifyReason::recovered, incident.peak, Confidence::confirmed, false});
}

// What is left of it is not watched any more. That is no recovery (procedure H-08): a person says
// whether it is over, and until then the grade stands.
void leave_undecided(Context& context, model::Incident& incident) {
  if (std::exchange(incident.undecided, true)) return;
  revise(incident, {});
  incident.flapping = false;
  incident.transitions.clear();
  for (const std::string_view purpose : {"flapping", "regrade", "estimate"}) {
    context.world.timers.clear(timer_key(purpose, incident.id));
  }
  note(context, incident.id, {"incident.undecided", {}});
  notify(context, incident, as_left(NotifyReason::undecided, incident));
}

void set_next_regrade(Context& context, const model::Incident& incident,
                      const Assessment& assessment) {
  std::optional<Instant> next = assessment.changes_at;
  const std::optional<Instant>& crossing = incident.explanation.changes_next_at;
  // Once it is good the duration stands still, and nothing is crossed.
  if (assessment.facts.continuing && crossing && (!next || *crossing < *next)) next = crossing;
  const std::string key = timer_key("regrade", incident.id);
  if (next && *next > context.now) {
    context.world.timers.set(key, *next);
  } else {
    context.world.timers.clear(key);
  }
}

// What a person decided does not hold silently against facts that are worse than those it was
// decided on.
bool exceeds_decision(const model::Incident& incident) {
  const bool graded = incident.approved != model::Severity::none;
  const bool dismissed = incident.verdict == model::IncidentVerdict::false_alarm;
  return !incident.needs_review && (graded || dismissed) &&
         incident.live > incident.decided_basis && incident.live > incident.approved;
}

void remember_confirmation(const Context& context, model::Incident& incident,
                           const Assessment& assessment) {
  if (assessment.facts.confidence == Confidence::contradicted) incident.confirmed.reset();
  if (assessment.confirmed_by_looks && !incident.confirmed) incident.confirmed = context.now;
}

void note_contradiction(Context& context, const model::Incident& incident) {
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = context.world.finding(id);
    const auto said = finding == nullptr ? std::nullopt : said_by_probe(context.world, *finding);
    if (said) note(context, incident.id, *said);
  }
}

// None of those that are listed counts any more: of those that did not fit, what is still open
// takes their places. Did anything?
bool list_more(Context& context, model::Incident& incident) {
  if (incident.more_findings == 0) return false;
  std::vector<FindingId> open = context.world.open_findings(incident.id);
  std::erase_if(open, [&](FindingId id) {
    return std::find(incident.findings.begin(), incident.findings.end(), id) !=
           incident.findings.end();
  });
  if (open.size() > kFindingsOfIncident - 1) open.resize(kFindingsOfIncident - 1);
  // The first one stays, whose words are the title.
  const auto place = incident.findings.end() - static_cast<std::ptrdiff_t>(open.size());
  std::copy(open.begin(), open.end(), place);
  return !open.empty();
}

// Grades again by what is known now. `reason` is what people are told when it is worse than ever.
void regrade(Context& context, IncidentId id, NotifyReason reason) {
  model::Incident& incident = *context.world.incidents.change(id);
  if (incident.recovered) return;
  const std::optional<Assessment> assessment =
      assess(context.world, context.policy, incident, context.now);
  if (!assessment) {
    if (list_more(context, incident)) return regrade(context, id, reason);
    if (incident.unwatched.empty()) {
      recover(context, incident);
    } else {
      leave_undecided(context, incident);
    }
    return;
  }
  incident.undecided = false;
  const Confidence confidence = assessment->facts.confidence;
  const bool now_confirmed =
      confidence == Confidence::confirmed && !had_confidence(incident, Confidence::confirmed);
  if (confidence == Confidence::contradicted &&
      (reason == NotifyReason::opened || !had_confidence(incident, confidence))) {
    note_contradiction(context, incident);
  }
  remember_confirmation(context, incident, *assessment);
  incident.explanation = grade(assessment->facts, limits_of(context.policy), context.now);
  set_next_regrade(context, incident, *assessment);
  set_repair_question(context, incident);
  // While it comes and goes its grade is the worst of that time.
  const model::Severity proposed = incident.explanation.proposed;
  const model::Severity before = std::exchange(
      incident.live, incident.flapping ? std::max(incident.live, proposed) : proposed);
  const bool is_new = reason == NotifyReason::opened;
  if (before != incident.live && !is_new) {
    note(context, id,
         {incident.live > before ? "incident.worse" : "incident.milder",
          {{"from", word(before)}, {"to", word(incident.live)}}});
  }
  if (incident.told == model::Severity::none) incident.told = before;  // by an older version
  const bool worse_than_told = incident.live > incident.told;
  incident.peak = std::max(incident.peak, incident.live);
  const bool review = exceeds_decision(incident);
  if (review) {
    incident.needs_review = true;
    note(context, id, {"incident.needs_review", {{"severity", word(incident.live)}}});
  }
  const bool asks = asks_for_assent(context, incident);
  if (worse_than_told || is_new || review) {
    raise(context, incident, occasion_of(reason, incident.live, assessment->facts));
  } else if (now_confirmed && !incident.flapping) {
    Occasion occasion = occasion_of(NotifyReason::opened, incident.live, assessment->facts);
    occasion.now_confirmed = true;
    notify(context, incident, occasion);
  }
  follow_fall(context, incident);
  if (asks) ask_for_assent(context, incident, assessment->facts);
}

void add_finding(Context& context, model::Incident& incident, model::Finding& finding) {
  finding.incident = incident.id;
  if (std::find(incident.findings.begin(), incident.findings.end(), finding.id) !=
      incident.findings.end()) {
    return;
  }
  if (incident.findings.size() >= kFindingsOfIncident) {
    ++incident.more_findings;
    context.world.add("counter/incident_findings_over_limit");
    return;
  }
  incident.findings.push_back(finding.id);
}

model::Incident new_incident(const Context& context, const model::Finding& finding, Kind kind,
                             std::string dedup_key) {
  const model::Host* host = context.world.hosts.find(finding.agent);
  model::Incident incident;
  incident.dedup_key = std::move(dedup_key);
  incident.agent = finding.agent;
  const bool about_us = finding.agent.hex.empty();  // the collector itself
  incident.host_name =
      about_us ? context.policy.site : (host == nullptr ? finding.agent.hex : host->name);
  if (const model::HostPolicy* down = unreachable_host(context, finding)) {
    incident.host_name = down->host;
  } else if (const std::string address = address_looked_at(finding.check); !address.empty()) {
    const model::HostPolicy* other = host_at(context.policy, address);
    if (other != nullptr) {
      incident.host_name = other->host;
    } else if (is_about_another(finding)) {  // The way to a place nobody named is its pinger's.
      incident.host_name = address;
    }
  }
  incident.kind = to_string(kind);
  incident.title = finding.message;
  incident.first_bad = finding.since;
  incident.opened = context.now;
  incident.findings = {finding.id};
  return incident;
}

// The bad time lies behind us: recorded with its grade, and nobody is woken for it.
void record_as_over(Context& context, model::Incident& incident, const Assessment& assessment,
                    Instant ended) {
  incident.peak = incident.explanation.proposed;
  incident.recovered = ended;
  note(context, incident.id, {"incident.already_over", {{"severity", word(incident.peak)}}});
  set_registration(context, incident);
  set_end(context, incident);
  Occasion occasion = occasion_of(NotifyReason::opened, incident.peak, assessment.facts);
  occasion.already_over = true;
  notify(context, incident, occasion);
}

void open_incident(Context& context, FindingId id, Kind kind, std::string dedup_key) {
  model::Finding& finding = context.world.change_finding(id);
  model::Incident incident = new_incident(context, finding, kind, std::move(dedup_key));
  const Instant as_of = finding.closed.value_or(context.now);
  const std::optional<Assessment> assessment =
      assess(context.world, context.policy, incident, as_of);
  if (!assessment) return;
  incident.explanation = grade(assessment->facts, limits_of(context.policy), as_of);
  if (incident.explanation.proposed == model::Severity::none) return;  // An event only (D-01).
  incident.id = {context.world.add("last/incident")};
  finding.incident = incident.id;
  const IncidentId incident_id = incident.id;
  note(context, incident_id,
       {"incident.opened",
        {{"severity", word(incident.explanation.proposed)}, {"host", incident.host_name}}});
  model::Incident& kept = context.world.incidents.put(incident_id, std::move(incident));
  if (finding.closed) {
    record_as_over(context, kept, *assessment, *finding.closed);
  } else {
    regrade(context, incident_id, NotifyReason::opened);
  }
}

// A finding comes (back) to an incident that exists.
void join_incident(Context& context, IncidentId incident_id, FindingId id) {
  model::Incident& incident = *context.world.incidents.change(incident_id);
  model::Finding& finding = context.world.change_finding(id);
  const bool known = finding.incident == incident_id;
  add_finding(context, incident, finding);
  NotifyReason reason = NotifyReason::worse;
  if (incident.recovered && !finding.closed) {
    incident.recovered.reset();
    incident.first_bad = finding.since;
    incident.confirmed.reset();
    incident.told = model::Severity::none;
    incident.asked = model::Severity::none;
    incident.asked_at.reset();
    context.world.timers.clear(timer_key("close", incident_id));
    note(context, incident_id, {"incident.relapsed", {{"host", incident.host_name}}});
    reason = NotifyReason::opened;
  } else if (!known) {
    incident.first_bad = std::min(incident.first_bad, finding.since);
    note(context, incident_id, finding.message);
  }
  regrade(context, incident_id, reason);
}

// One line and one message for all the times that it came back since the last.
void tell_flapping(Context& context, model::Incident& incident) {
  context.world.timers.set(timer_key("flapping", incident.id), context.now + kFlappingDigest);
  note(context, incident.id,
       {"incident.flapping", {{"count", std::to_string(incident.transition_count)}}});
  incident.transition_count = 0;
  if (incident.acknowledged) return;  // Somebody has it; the history says the rest.
  if (const auto assessment = assess(context.world, context.policy, incident, context.now)) {
    notify(context, incident,
           occasion_of(NotifyReason::flapping, incident.live, assessment->facts));
  }
}

// A finding of an incident that goes on came back. Several at the same time are one.
void count_return(Context& context, model::Incident& incident) {
  std::vector<Instant>& times = incident.transitions;
  if (!times.empty() && times.back() == context.now) return;
  times.push_back(context.now);
  if (times.size() > kFlappingFrom) times.erase(times.begin());
  ++incident.transition_count;
  const bool often =
      times.size() == kFlappingFrom && context.now - times.front() <= kFlappingWindow;
  if (!often || incident.flapping) return;
  incident.flapping = true;
  tell_flapping(context, incident);
}

void end_or_digest(Context& context, model::Incident& incident) {
  if (!incident.flapping) return;
  if (incident.transition_count > 0) {
    tell_flapping(context, incident);
    return;
  }
  incident.flapping = false;
  note(context, incident.id, {"incident.steady", {}});
  regrade(context, incident.id, NotifyReason::worse);
}

void attach(Context& context, FindingId id) {
  const model::Finding& finding = *context.world.finding(id);
  const std::optional<FindingMeaning> meaning = meaning_of(finding.code, finding.message);
  if (!meaning) return;
  // The silence of a host that is down is part of that, whoever noticed it first.
  if (const std::optional<IncidentId> down = incident_of_down_host(context, finding)) {
    join_incident(context, *down, id);
    return;
  }
  // So is a silence of one that all share.
  if (const std::optional<IncidentId> dark = incident_of_darkness(context, finding)) {
    join_incident(context, *dark, id);
    return;
  }
  Belonging belonging = belongs_to(context.world, finding, meaning->kind, context.now);
  if (belonging.existing) {
    join_incident(context, *belonging.existing, id);
  } else {
    open_incident(context, id, meaning->kind, std::move(belonging.dedup_key));
  }
}

// A line about a check that begins or ends to be watched.
model::Message about_watching(const Context& context, std::string_view code,
                              const model::Finding& finding) {
  const model::Host* host = context.world.hosts.find(finding.agent);
  return {std::string(code),
          {{"host", host == nullptr ? finding.agent.hex : host->name},
           {"check", model::to_string(finding.check)}}};
}

// Somebody looks again, and sees it or that it is over. Was it unwatched?
bool watch_again(Context& context, model::Incident& incident, const model::Finding& finding) {
  if (std::erase(incident.unwatched, finding.id) == 0) return false;
  note(context, incident.id, about_watching(context, "incident.watched_again", finding));
  return true;
}

void take_opened(Context& context, const Transition& transition) {
  const model::Finding& finding = *context.world.finding(transition.finding);
  model::Incident* incident = context.world.incidents.change(finding.incident);
  if (incident != nullptr && !incident->recovered) {
    if (!watch_again(context, *incident, finding)) count_return(context, *incident);
    regrade(context, finding.incident, NotifyReason::worse);
    return;
  }
  if (waits_for_inquiry(context, finding)) {
    // Its answer comes sooner; this is for an answer that never does.
    context.world.timers.set(timer_key("attach", transition.finding),
                             context.now + kInquiryLife + 1s);
    return;
  }
  // Where the host is known to be down nothing else can be meant.
  const bool clear = incident_of_down_host(context, finding).has_value();
  const Instant ripe =
      std::max(finding.since + minimum_of(context, finding),
               finding.opened + (clear ? Duration{} : settles(context.world, finding)));
  const Instant due = std::max(ripe, transition.late ? context.now + kLateHold : finding.since);
  if (due <= context.now) {
    attach(context, transition.finding);
  } else {
    context.world.timers.set(timer_key("attach", transition.finding), due);
  }
}

// It came as one thing and turned out to be another: a program in an unusual place whose file is
// deleted then. The incident says what it is now.
void take_changed(Context& context, const Transition& transition) {
  const model::Finding& finding = *context.world.finding(transition.finding);
  const model::Incident* known = context.world.incidents.find(finding.incident);
  if (known == nullptr || known->recovered) {
    const bool waits =
        context.world.timers.due(timer_key("attach", transition.finding)).has_value();
    if (!waits) take_opened(context, transition);
    return;
  }
  model::Incident& incident = *context.world.incidents.change(finding.incident);
  if (incident.findings.front() == finding.id) incident.title = finding.message;
  note(context, incident.id, finding.message);
  regrade(context, incident.id, NotifyReason::worse);
}

void take_closed(Context& context, const Transition& transition) {
  const model::Finding& finding = *context.world.finding(transition.finding);
  const std::string waiting = timer_key("attach", transition.finding);
  if (context.world.timers.due(waiting)) {
    context.world.timers.clear(waiting);
    // What nobody else had confirmed before it was over is an event only.
    if (finding.code == "ping.unreachable" && waits_for_inquiry(context, finding)) return;
    const bool long_enough = *finding.closed - finding.since >= minimum_of(context, finding);
    if (long_enough) attach(context, transition.finding);
  } else if (model::Incident* incident = context.world.incidents.change(finding.incident)) {
    watch_again(context, *incident, finding);
    regrade(context, finding.incident, NotifyReason::worse);
  }
}

// What was not worth an incident until then stays an event. A line of the history is for all that
// one check found.
void take_unwatched(Context& context, const Transition& transition, const Transition* before) {
  const model::Finding& finding = *context.world.finding(transition.finding);
  context.world.timers.clear(timer_key("attach", transition.finding));
  model::Incident* incident = context.world.incidents.change(finding.incident);
  if (incident == nullptr || incident->recovered) return;
  if (incident->unwatched.size() < kFindingsOfIncident) {
    incident->unwatched.push_back(finding.id);
  }
  const model::Finding* last = before == nullptr ? nullptr : context.world.finding(before->finding);
  const bool said =
      last != nullptr && last->check == finding.check && last->incident == finding.incident;
  if (!said) note(context, incident->id, about_watching(context, "incident.unwatched", finding));
  regrade(context, incident->id, NotifyReason::worse);
}

// What other places see of a target decides how far its incident is believed (procedure M-01,
// M-03).
void regrade_about(Context& context, const model::CheckRef& check) {
  std::vector<IncidentId> about;
  for (const auto& [id, incident] : context.world.incidents.rows()) {
    const bool touched =
        std::any_of(incident.findings.begin(), incident.findings.end(), [&](FindingId finding) {
          const model::Finding* found = context.world.finding(finding);
          return found != nullptr &&
                 (found->check == check || is_probed_by(context.world, *found, check));
        });
    if (touched && !incident.recovered) about.push_back(id);
  }
  for (const IncidentId id : about) regrade(context, id, NotifyReason::worse);
}

// Whoever found it looks again, or cannot see it any more: it is believed as far as somebody looks.
void regrade_of(Context& context, const std::vector<FindingId>& findings) {
  std::set<IncidentId> about;
  for (const FindingId id : findings) {
    const model::Finding* finding = context.world.finding(id);
    if (finding != nullptr && context.world.incidents.find(finding->incident) != nullptr) {
      about.insert(finding->incident);
    }
  }
  for (const IncidentId id : about) regrade(context, id, NotifyReason::worse);
}

void register_by_itself(Context& context, const model::Incident& incident) {
  if (!incident.registered && !is_dismissed(incident))
    register_incident(context, incident.id, {}, "");
}

void remind(Context& context, model::Incident& incident) {
  if (incident.acknowledged || incident.recovered || is_dismissed(incident)) return;
  set_reminder(context, incident);
  const auto assessment = assess(context.world, context.policy, incident, context.now);
  notify(context, incident,
         assessment
             ? occasion_of(NotifyReason::reminder, grade_in_force(incident), assessment->facts)
             : as_left(NotifyReason::reminder, incident));
}

// The repair should be done by now, or nobody has said when it will be.
void ask_about_repair(Context& context, model::Incident& incident) {
  if (incident.recovered || incident.undecided) return;
  const std::optional<Instant> due = repair_due(incident);
  set_repair_question(context, incident);
  if (!context.world.timers.due(timer_key("estimate", incident.id))) return;
  if (due && context.now - *due < kAskForEstimate) {
    note(context, incident.id, {"incident.overdue", {}});
  }
  notify(context, incident,
         as_left(due ? NotifyReason::overdue : NotifyReason::estimate_needed, incident));
}

// Who was told of the worse grade hears that it fell (severity: down, people are informed).
void tell_milder(Context& context, model::Incident& incident) {
  const bool approved = incident.approved != model::Severity::none && !incident.needs_review;
  const auto assessment = assess(context.world, context.policy, incident, context.now);
  if (incident.recovered || approved || is_dismissed(incident) || !assessment) return;
  if (incident.live >= incident.told) return;
  Occasion occasion = occasion_of(NotifyReason::milder, incident.live, assessment->facts);
  occasion.before = std::exchange(incident.told, incident.live);
  notify(context, incident, occasion);
}

void close_unregistered(Context& context, model::Incident& incident) {
  if (incident.registered || !incident.recovered) return;
  note(context, incident.id, {"incident.closed_unregistered", {}});
  finish(context, incident, {});
}

std::optional<std::uint64_t> id_in(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace

void note(Context& context, IncidentId id, model::Message message, const model::Principal& by) {
  context.world.add_timeline({id, 0, context.now, context.position, std::move(message), by});
}

void revise(model::Incident& incident, const model::Principal& by) {
  ++incident.revision;
  incident.changed_by = by;
}

void regrade(Context& context, IncidentId id) { regrade(context, id, NotifyReason::worse); }

bool lacks_estimate(const model::Incident& incident) {
  const auto& hits = incident.explanation.hits;
  return std::find(hits.begin(), hits.end(), "B3") != hits.end();
}

void expect_repair(Context& context, IncidentId id) {
  context.world.timers.clear(timer_key("estimate", id));
  regrade(context, id);
}

void set_next_duties(Context& context, const model::Incident& incident) {
  if (is_dismissed(incident)) {
    for (const std::string_view purpose : {"register", "remind", "estimate"}) {
      context.world.timers.clear(timer_key(purpose, incident.id));
    }
    return;
  }
  set_registration(context, incident);
  if (!incident.acknowledged && !incident.recovered) set_reminder(context, incident);
}

void finish(Context& context, model::Incident& incident, const model::Principal& by) {
  const IncidentId id = incident.id;
  incident.closed = context.now;
  incident.flapping = false;
  revise(incident, by);
  withdraw(context, id, SuppressedReason::already_over);
  for (const std::string_view purpose :
       {"regrade", "register", "remind", "flapping", "milder", "close", "estimate"}) {
    context.world.timers.clear(timer_key(purpose, id));
  }
  context.world.incidents.forget(id);
}

void take_judged(Context& context, const Judged& judged) {
  const Transition* before = nullptr;
  for (const Transition& transition : judged.transitions) {
    switch (transition.change) {
      case Transition::Change::opened:
        take_opened(context, transition);
        break;
      case Transition::Change::changed:
        take_changed(context, transition);
        break;
      case Transition::Change::closed:
        take_closed(context, transition);
        break;
      case Transition::Change::unwatched:
        take_unwatched(context, transition, before);
        break;
    }
    before = &transition;
  }
  for (const model::CheckRef& check : judged.changed) {
    const bool from_outside =
        check.kind == model::CheckKind::ping || check.kind == model::CheckKind::answer;
    if (from_outside) regrade_about(context, check);
  }
  regrade_of(context, judged.believed_anew);
}

void regrade_about(Context& context, FindingId id) {
  const model::Finding* finding = context.world.finding(id);
  const bool open =
      finding != nullptr && context.world.incidents.find(finding->incident) != nullptr;
  if (open) regrade(context, finding->incident, NotifyReason::worse);
}

void regrade_all(Context& context) {
  std::vector<IncidentId> open;
  for (const auto& [id, incident] : context.world.incidents.rows()) open.push_back(id);
  for (const IncidentId id : open) regrade(context, id, NotifyReason::worse);
}

bool fire_incident_timer(Context& context, std::string_view key) {
  const std::size_t slash = key.find('/');
  const std::string_view purpose = key.substr(0, slash);
  const std::optional<std::uint64_t> id =
      slash == key.npos ? std::nullopt : id_in(key.substr(slash + 1));
  if (!id) return false;
  if (purpose == "attach") {
    if (context.world.finding({*id}) != nullptr) attach(context, {*id});
    return true;
  }
  model::Incident* incident = context.world.incidents.change({*id});
  if (incident == nullptr) return true;
  if (purpose == "regrade") {
    regrade(context, incident->id, NotifyReason::worse);
  } else if (purpose == "flapping") {
    end_or_digest(context, *incident);
  } else if (purpose == "register") {
    register_by_itself(context, *incident);
  } else if (purpose == "remind") {
    remind(context, *incident);
  } else if (purpose == "milder") {
    tell_milder(context, *incident);
  } else if (purpose == "close") {
    close_unregistered(context, *incident);
  } else if (purpose == "estimate") {
    ask_about_repair(context, *incident);
  } else {
    return false;
  }
  return true;
}

void acknowledge(Context& context, IncidentId id, const model::Principal& by,
                 const std::string& text) {
  model::Incident& incident = *context.world.incidents.change(id);
  incident.acknowledged = context.now;
  incident.acknowledged_by = by;
  revise(incident, by);
  context.world.timers.clear(timer_key("remind", id));
  withdraw(context, id, SuppressedReason::acknowledged);
  note(context, id, {"incident.acknowledged", {{"name", by.name}, {"note", text}}}, by);
}

void register_incident(Context& context, IncidentId id, const model::Principal& by,
                       const std::string& text) {
  model::Incident& incident = *context.world.incidents.change(id);
  TOCSIN_CHECK(incident.number.empty());
  const int year = site_year(context.now, context.policy.time_zone);
  const std::uint64_t number = context.world.add(fmt::format("last/number/{}", year));
  incident.number = official_number(context.policy.number_format, year, number);
  incident.registered = context.now;
  incident.registered_by = by;
  revise(incident, by);
  context.world.timers.clear(timer_key("register", id));
  const bool by_itself = by.name.empty();
  note(context, id,
       {by_itself ? "incident.registered_by_itself" : "incident.registered",
        {{"number", incident.number}, {"name", by.name}, {"note", text}}},
       by);
  if (!by_itself && !incident.acknowledged) acknowledge(context, id, by, "");
  notify(context, incident,
         {NotifyReason::registered, incident.peak, Confidence::confirmed, false});
  regrade(context, id);
}

}  // namespace tocsin::collector
