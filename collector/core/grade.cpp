// The grading table as data: a rule is a grade and the conditions that must all hold. All rules are
// evaluated and the most severe hit wins. Because no rule is lifted by more harm, a worse fact
// never gives a milder grade.
#include "collector/core/grade.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "common/rules/judge.hpp"

namespace tocsin::collector {
namespace {

using model::Criticality;
using model::Severity;

constexpr Duration kNoEstimateTooLong = 2h;  // A3: nobody can say when the room is back
constexpr Duration kDelayTooLong = 4h;       // D2: a delay that cannot be handled at once

// The facts with what follows from them.
struct View {
  const GradeFacts& f;
  const GradeLimits& l;
  Criticality criticality;  // unknown counts as standard
  Duration lasted;          // D, never negative
  // P = D when a person estimated + the estimate, or D where that is longer; a default repair time
  // never makes an A.
  Duration outage;
};

View view_of(const GradeFacts& f, const GradeLimits& l) {
  const Duration lasted = std::max(f.bad_for, Duration{});
  Duration planned{};
  if (f.repair_estimate && f.estimate_by_person) {
    const Duration estimate = std::max(*f.repair_estimate, Duration{});
    const Duration before = std::max(f.bad_when_estimated, Duration{});
    planned = estimate > Duration::max() - before ? Duration::max() : before + estimate;
  }
  return {f, l, f.criticality == Criticality::unknown ? Criticality::standard : f.criticality,
          lasted, std::max(lasted, planned)};
}

// `waits`: how long until time alone makes it hold; nullptr where time alone never does.
struct Condition {
  std::string_view code;  // its text says what is needed
  bool (*holds)(const View&);
  Duration (*waits)(const View&) = nullptr;
};

using V = const View&;

constexpr Condition kInterrupted{"grade.need.interrupted",
                                 [](V v) { return v.f.effect == Effect::interrupted; }};
constexpr Condition kStalled{"grade.need.stalled",
                             [](V v) { return v.f.effect == Effect::stalled; }};
constexpr Condition kDown{"grade.need.down", [](V v) { return v.f.effect >= Effect::stalled; }};
constexpr Condition kDegraded{"grade.need.degraded",
                              [](V v) { return v.f.effect == Effect::degraded; }};
constexpr Condition kSomeEffect{"grade.need.effect",
                                [](V v) { return v.f.effect != Effect::none; }};
constexpr Condition kNoEffect{"grade.need.no_effect",
                              [](V v) { return v.f.effect == Effect::none; }};
constexpr Condition kConfirmed{"grade.need.confirmed",
                               [](V v) { return v.f.confidence == Confidence::confirmed; }};
constexpr Condition kSuspected{"grade.need.suspected",
                               [](V v) { return v.f.confidence == Confidence::suspected; }};
constexpr Condition kNotContradicted{"grade.need.not_contradicted",
                                     [](V v) { return v.f.confidence >= Confidence::suspected; }};
constexpr Condition kContradicted{"grade.need.contradicted",
                                  [](V v) { return v.f.confidence == Confidence::contradicted; }};

constexpr Condition kCore{"grade.need.core",
                          [](V v) { return v.criticality == Criticality::core; }};
constexpr Condition kCoreOrCritical{
    "grade.need.core_or_critical",
    [](V v) { return v.f.centre_critical || v.criticality == Criticality::core; }};
constexpr bool is_support(V v) {
  return v.criticality == Criticality::support && !v.f.centre_critical;
}
constexpr Condition kNotSupport{"grade.need.not_support", [](V v) { return !is_support(v); }};
constexpr Condition kSupport{"grade.need.support", is_support};

constexpr Condition kShort{"grade.need.short", [](V v) { return v.lasted >= v.l.grade_short; },
                           [](V v) { return v.l.grade_short - v.lasted; }};
constexpr Condition kUnderShort{"grade.need.under_short",
                                [](V v) { return v.lasted < v.l.grade_short; }};
constexpr Condition kDay{"grade.need.day", [](V v) { return v.lasted >= v.l.grade_day; },
                         [](V v) { return v.l.grade_day - v.lasted; }};
constexpr Condition kOutageDay{"grade.need.outage_day",
                               [](V v) { return v.outage >= v.l.grade_day; },
                               [](V v) { return v.l.grade_day - v.lasted; }};
constexpr Condition kTwoHours{"grade.need.two_hours",
                              [](V v) { return v.lasted >= kNoEstimateTooLong; },
                              [](V v) { return kNoEstimateTooLong - v.lasted; }};
constexpr Condition kFourHours{"grade.need.four_hours",
                               [](V v) { return v.lasted >= kDelayTooLong; },
                               [](V v) { return kDelayTooLong - v.lasted; }};
constexpr Condition kNoEstimate{"grade.need.no_estimate",
                                [](V v) { return !v.f.repair_estimate.has_value(); }};
constexpr Condition kByPerson{"grade.need.by_person",
                              [](V v) { return v.f.repair_estimate && v.f.estimate_by_person; }};
constexpr Condition kEstimateShort{"grade.need.estimate_short", [](V v) {
                                     return v.f.repair_estimate && v.f.estimate_by_person &&
                                            *v.f.repair_estimate > v.l.grade_short;
                                   }};

constexpr Condition kRoomWide{"grade.need.room_wide", [](V v) { return v.f.room_wide; }};
constexpr Condition kTwoCoreDown{"grade.need.two_core_down",
                                 [](V v) { return v.f.core_services_interrupted >= 2; }};
constexpr Condition kAccess{"grade.need.access", [](V v) { return v.f.access != Access::none; }};
constexpr Condition kSerious{"grade.need.serious",
                             [](V v) { return v.f.impact == Impact::serious; }};
constexpr Condition kLimited{"grade.need.limited",
                             [](V v) { return v.f.impact == Impact::limited; }};
constexpr Condition kMalware{"grade.need.malware", [](V v) { return v.f.kind == Kind::malware; }};
constexpr Condition kNotContained{"grade.need.not_contained", [](V v) { return !v.f.contained; }};
constexpr Condition kContained{"grade.need.contained", [](V v) { return v.f.contained; }};
constexpr Condition kAuditGap{"grade.need.audit_gap",
                              [](V v) { return v.f.kind == Kind::audit_gap; }};
constexpr Condition kMalwareOrGap{"grade.need.malware_or_gap", [](V v) {
                                    return v.f.kind == Kind::malware || v.f.kind == Kind::audit_gap;
                                  }};
constexpr Condition kFixable{"grade.need.fixable", [](V v) { return v.f.fixable_now; }};
constexpr Condition kNotFixable{"grade.need.not_fixable", [](V v) { return !v.f.fixable_now; }};
constexpr Condition kGoesOn{
    "grade.need.goes_on", [](V v) { return v.f.continuing || v.f.recurrences >= v.l.recurrences; }};
constexpr Condition kRedundancy{"grade.need.redundancy", [](V v) { return v.f.redundancy_lost; }};

// `asks`: a worse grade that the rule puts to a person; until assent the rule's own grade holds.
struct Rule {
  std::string_view id;
  Severity severity;
  std::array<const Condition*, 5> conditions{};
  Severity asks = Severity::none;

  std::span<const Condition* const> needs() const {
    const auto end = std::find(conditions.begin(), conditions.end(), nullptr);
    return {conditions.begin(), end};
  }
  bool hits(V v) const {
    const auto all = needs();
    return std::all_of(all.begin(), all.end(), [&](const Condition* c) { return c->holds(v); });
  }
};

// Worst first. B1 has no upper end (the procedure says 一天內): an outage of more than a day that
// no rule of grade A takes must not become milder by lasting. Then every effect is hit by some row.
constexpr std::array kRules{
    Rule{"A1", Severity::a, {&kInterrupted, &kConfirmed, &kOutageDay, &kCoreOrCritical}},
    Rule{"A2", Severity::a, {&kInterrupted, &kConfirmed, &kDay, &kNotSupport}},
    Rule{"A3", Severity::a, {&kRoomWide, &kTwoCoreDown, &kConfirmed, &kNoEstimate, &kTwoHours}},
    Rule{"A4",
         Severity::b,
         {&kInterrupted, &kConfirmed, &kOutageDay, &kByPerson, &kNotSupport},
         Severity::a},
    Rule{"B0", Severity::b, {&kStalled, &kConfirmed, &kOutageDay, &kNotSupport}, Severity::a},
    Rule{"B1", Severity::b, {&kDown, &kConfirmed, &kShort, &kNotSupport}},
    Rule{"B2", Severity::b, {&kInterrupted, &kConfirmed, &kCore, &kEstimateShort}},
    Rule{"B3", Severity::b, {&kInterrupted, &kConfirmed, &kNoEstimate, &kShort, &kNotSupport}},
    Rule{"A2-support", Severity::c, {&kInterrupted, &kConfirmed, &kDay, &kSupport}, Severity::a},
    Rule{"B1-support", Severity::c, {&kDown, &kConfirmed, &kShort, &kSupport}, Severity::b},
    Rule{"C1", Severity::c, {&kDown, &kNotContradicted, &kUnderShort}},
    Rule{"C0", Severity::c, {&kDown, &kSuspected}},
    Rule{"C2", Severity::c, {&kAccess, &kSerious}},
    Rule{"C3", Severity::c, {&kMalwareOrGap, &kCoreOrCritical}},
    Rule{"C4", Severity::c, {&kMalware, &kNotContained}},
    Rule{"D2-4h", Severity::c, {&kDegraded, &kNotContradicted, &kNotFixable, &kFourHours}},
    Rule{"D1", Severity::d, {&kDegraded, &kNotContradicted, &kFixable}},
    Rule{"D2", Severity::d, {&kDegraded, &kNotContradicted, &kNotFixable}},
    Rule{"D3", Severity::d, {&kAccess, &kLimited}},
    Rule{"D4", Severity::d, {&kMalware, &kContained}},
    Rule{"D5", Severity::d, {&kAuditGap}},
    Rule{"E2-day", Severity::d, {&kRedundancy, &kDay}},
    Rule{"E1", Severity::e, {&kNoEffect, &kGoesOn}},
    Rule{"E2", Severity::e, {&kRedundancy}},
    Rule{"E0", Severity::e, {&kSomeEffect, &kContradicted}},
};
static_assert(std::is_sorted(kRules.begin(), kRules.end(),
                             [](const Rule& a, const Rule& b) { return a.severity > b.severity; }));

std::string severity_word(Severity severity) { return std::string(model::to_string(severity)); }

// "6h10m", "45m", "30s": the same in both languages.
std::string duration_text(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds >= 3600) return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
  if (seconds >= 60) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}s", seconds);
}

// The rule of a worse grade that lacks the least; of equals, the worse.
model::Message nearest_miss(V v, Severity proposed) {
  const Rule* nearest = nullptr;
  std::vector<const Condition*> lacks;
  for (const Rule& rule : kRules) {
    if (rule.severity <= proposed) break;
    std::vector<const Condition*> unmet;
    for (const Condition* need : rule.needs()) {
      if (!need->holds(v)) unmet.push_back(need);
    }
    if (nearest != nullptr && unmet.size() >= lacks.size()) continue;
    nearest = &rule;
    lacks = std::move(unmet);
  }
  if (nearest == nullptr) return {};
  std::string needed;
  for (const Condition* condition : lacks) {
    needed.append(needed.empty() ? "@" : " @").append(condition->code);
  }
  return {"grade.nearest_miss",
          {{"rule", std::string(nearest->id)},
           {"severity", severity_word(nearest->severity)},
           {"needed", needed},
           {"lasted", duration_text(v.lasted)}}};
}

// How long until time alone makes the rule hit; nullopt where it does not.
std::optional<Duration> wait_for(const Rule& rule, V v) {
  Duration longest{};
  for (const Condition* need : rule.needs()) {
    if (need->holds(v)) continue;
    if (need->waits == nullptr) return std::nullopt;
    longest = std::max(longest, need->waits(v));
  }
  return longest;
}

// What comes next by itself: the soonest worse grade, or question about one; of equals the worst.
void explain_change(V v, Instant now, model::GradeExplanation& explanation) {
  if (!v.f.continuing) return;
  const Rule* next = nullptr;
  Duration soonest{};
  for (const Rule& rule : kRules) {
    const bool worse = rule.severity > explanation.proposed;
    if (!worse && rule.asks <= std::max(explanation.asks, explanation.proposed)) continue;
    const std::optional<Duration> wait = wait_for(rule, v);
    if (!wait || (next != nullptr && *wait >= soonest)) continue;
    next = &rule;
    soonest = *wait;
  }
  if (next == nullptr) return;
  const bool worse = next->severity > explanation.proposed;
  explanation.changes_next = {worse ? "grade.changes_next" : "grade.asks_next",
                              {{"rule", std::string(next->id)},
                               {"severity", severity_word(worse ? next->severity : next->asks)}}};
  explanation.changes_next_at = now + soonest;
}

std::string_view word(Criticality criticality) {
  constexpr std::array<std::string_view, 4> kWords{"unknown", "support", "standard", "core"};
  return kWords[static_cast<std::size_t>(criticality)];
}
std::string_view word(Effect effect) {
  constexpr std::array<std::string_view, 4> kWords{"none", "degraded", "stalled", "interrupted"};
  return kWords[static_cast<std::size_t>(effect)];
}
std::string_view word(Access access) {
  constexpr std::array<std::string_view, 3> kWords{"none", "suspected", "confirmed"};
  return kWords[static_cast<std::size_t>(access)];
}
std::string_view word(Impact impact) { return impact == Impact::serious ? "serious" : "limited"; }

// Name and word of every fact; "<name>.<word>" is the code of its text where the word is one of
// ours.
std::vector<model::Parameter> facts_in_words(const GradeFacts& f) {
  std::vector<model::Parameter> words;
  const auto say = [&](std::string name, std::string_view value) {
    words.push_back({std::move(name), std::string(value)});
  };
  const auto say_if = [&](bool present, std::string name) {
    if (present) say(std::move(name), "yes");
  };
  say("kind", to_string(f.kind));
  say("criticality", word(f.criticality));
  say_if(f.centre_critical, "centre_critical");
  say("effect", word(f.effect));
  say("confidence", to_string(f.confidence));
  say("lasted", duration_text(std::max(f.bad_for, Duration{})));
  say("repair_estimate", f.repair_estimate ? duration_text(*f.repair_estimate) : "unknown");
  say_if(f.repair_estimate && f.estimate_by_person, "estimate_by_person");
  say("access", word(f.access));
  if (f.access != Access::none) say("impact", word(f.impact));
  say_if(f.fixable_now, "fixable_now");
  say_if(f.contained, "contained");
  say("recurrences", std::to_string(f.recurrences));
  say("continuing", f.continuing ? "yes" : "no");
  say_if(f.redundancy_lost, "redundancy_lost");
  say_if(f.room_wide, "room_wide");
  if (f.core_services_interrupted > 0) {
    say("core_services_interrupted", std::to_string(f.core_services_interrupted));
  }
  return words;
}

}  // namespace

std::string_view to_string(Confidence confidence) {
  constexpr std::array<std::string_view, 3> kWords{"contradicted", "suspected", "confirmed"};
  return kWords[static_cast<std::size_t>(confidence)];
}

model::GradeExplanation grade(const GradeFacts& facts, const GradeLimits& limits, Instant now) {
  const View v = view_of(facts, limits);
  model::GradeExplanation explanation;
  explanation.rules_version = rules::kRulesVersion;
  explanation.facts = facts_in_words(facts);
  for (const Rule& rule : kRules) {
    if (!rule.hits(v)) continue;
    explanation.hits.emplace_back(rule.id);
    explanation.proposed = std::max(explanation.proposed, rule.severity);
    explanation.asks = std::max(explanation.asks, rule.asks);
  }
  if (explanation.asks > explanation.proposed) {
    explanation.facts.push_back({"asks", severity_word(explanation.asks)});
  } else {
    explanation.asks = Severity::none;
  }
  explanation.nearest_miss = nearest_miss(v, explanation.proposed);
  explain_change(v, now, explanation);
  return explanation;
}

}  // namespace tocsin::collector
