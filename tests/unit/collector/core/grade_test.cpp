#include "collector/core/grade.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/i18n/i18n.hpp"

namespace tocsin::collector {
namespace {

using model::Criticality;
using model::GradeExplanation;
using model::Severity;

constexpr Instant kNow{1'800'000'000'000'000'000};

// A confirmed interruption of a standard service that has just begun.
GradeFacts outage() {
  GradeFacts facts;
  facts.kind = Kind::availability;
  facts.criticality = Criticality::standard;
  facts.effect = Effect::interrupted;
  facts.confidence = Confidence::confirmed;
  facts.bad_for = 1min;
  return facts;
}

template <class Change>
GradeFacts with(GradeFacts facts, Change change) {
  change(facts);
  return facts;
}

GradeFacts lasting(Duration d, GradeFacts facts = outage()) {
  facts.bad_for = d;
  return facts;
}
GradeFacts estimated(Duration repair, GradeFacts facts) {
  facts.repair_estimate = repair;
  facts.estimate_by_person = true;
  return facts;
}
GradeFacts about(Criticality criticality, GradeFacts facts) {
  facts.criticality = criticality;
  return facts;
}
GradeFacts seen_as(Effect effect, GradeFacts facts) {
  facts.effect = effect;
  return facts;
}
GradeFacts believed(Confidence confidence, GradeFacts facts) {
  facts.confidence = confidence;
  return facts;
}
GradeFacts of_kind(Kind kind) {
  GradeFacts facts = outage();
  facts.kind = kind;
  facts.effect = Effect::none;
  facts.continuing = false;
  return facts;
}
GradeFacts access_with(Impact impact) {
  GradeFacts facts = of_kind(Kind::logical_access);
  facts.access = Access::suspected;
  facts.impact = impact;
  return facts;
}
GradeFacts room(Duration d) {
  GradeFacts facts = of_kind(Kind::environment);
  facts.room_wide = true;
  facts.core_services_interrupted = 2;
  facts.bad_for = d;
  return facts;
}

GradeExplanation graded(const GradeFacts& facts) { return grade(facts, {}, kNow); }

bool hit(const GradeExplanation& explanation, const std::string& rule) {
  return std::find(explanation.hits.begin(), explanation.hits.end(), rule) !=
         explanation.hits.end();
}

std::string fact(const GradeExplanation& explanation, const std::string& name) {
  for (const model::Parameter& p : explanation.facts) {
    if (p.name == name) return p.value;
  }
  return "(none)";
}

struct Case {
  const char* rule;
  Severity severity;
  GradeFacts facts;
};

// For each row: facts that it hits, and the grade that they get.
std::vector<Case> cases() {
  const GradeFacts malware = of_kind(Kind::malware);
  const GradeFacts contained = with(malware, [](auto& f) { f.contained = true; });
  const GradeFacts degraded = seen_as(Effect::degraded, outage());
  const GradeFacts spare =
      with(of_kind(Kind::availability), [](auto& f) { f.redundancy_lost = true; });
  const GradeFacts support = about(Criticality::support, outage());
  return {
      {"A1", Severity::a, estimated(24h, about(Criticality::core, outage()))},
      {"A1", Severity::a,
       estimated(24h, with(outage(), [](auto& f) { f.centre_critical = true; }))},
      {"A2", Severity::a, lasting(24h)},
      {"A3", Severity::a, room(2h)},
      {"A4", Severity::b, estimated(24h, outage())},
      {"B0", Severity::b, lasting(24h, seen_as(Effect::stalled, outage()))},
      {"B1", Severity::b, lasting(30min)},
      {"B1", Severity::b, lasting(30min, seen_as(Effect::stalled, outage()))},
      {"B2", Severity::b, estimated(31min, about(Criticality::core, outage()))},
      {"B3", Severity::b, lasting(30min)},
      {"A2-support", Severity::c, lasting(24h, support)},
      {"B1-support", Severity::c, lasting(30min, support)},
      {"C1", Severity::c, outage()},
      {"C1", Severity::c, with(outage(), [](auto& f) { f.continuing = false; })},
      {"C0", Severity::c, lasting(48h, believed(Confidence::suspected, outage()))},
      {"C2", Severity::c, access_with(Impact::serious)},
      {"C3", Severity::c, about(Criticality::core, of_kind(Kind::audit_gap))},
      {"C3", Severity::c, about(Criticality::core, contained)},
      {"C4", Severity::c, malware},
      {"D2-4h", Severity::c, lasting(4h, degraded)},
      {"D1", Severity::d, lasting(48h, with(degraded, [](auto& f) { f.fixable_now = true; }))},
      {"D2", Severity::d, degraded},
      {"D3", Severity::d, access_with(Impact::limited)},
      {"D4", Severity::d, contained},
      {"D5", Severity::d, of_kind(Kind::audit_gap)},
      {"E2-day", Severity::d, lasting(24h, spare)},
      {"E1", Severity::e, with(of_kind(Kind::change), [](auto& f) { f.continuing = true; })},
      {"E1", Severity::e, with(of_kind(Kind::backup_job), [](auto& f) { f.recurrences = 3; })},
      {"E2", Severity::e, spare},
      {"E0", Severity::e, lasting(48h, believed(Confidence::contradicted, outage()))},
  };
}

// Facts at random, at the borders of every limit more often than chance would have it.
GradeFacts any_facts() {
  GradeFacts f;
  f.kind = static_cast<Kind>(*rc::gen::inRange(0, 12));
  f.criticality = static_cast<Criticality>(*rc::gen::inRange(0, 4));
  f.centre_critical = *rc::gen::arbitrary<bool>();
  f.effect = static_cast<Effect>(*rc::gen::inRange(0, 4));
  f.confidence = static_cast<Confidence>(*rc::gen::inRange(0, 3));
  const auto any_duration = [] {
    return *rc::gen::oneOf(
        rc::gen::element<Duration>(Duration{}, 30min - 1ns, 30min, 2h, 4h, 24h - 1ns, 24h, -1h,
                                   Duration::max()),
        rc::gen::map(rc::gen::inRange<std::int64_t>(0, 100'000),
                     [](std::int64_t s) { return Duration(std::chrono::seconds(s)); }));
  };
  f.bad_for = any_duration();
  if (*rc::gen::arbitrary<bool>()) f.repair_estimate = any_duration();
  f.estimate_by_person = *rc::gen::arbitrary<bool>();
  f.access = static_cast<Access>(*rc::gen::inRange(0, 3));
  f.impact = static_cast<Impact>(*rc::gen::inRange(0, 2));
  f.fixable_now = *rc::gen::arbitrary<bool>();
  f.contained = *rc::gen::arbitrary<bool>();
  f.recurrences = *rc::gen::inRange<std::uint32_t>(0, 5);
  f.continuing = *rc::gen::arbitrary<bool>();
  f.redundancy_lost = *rc::gen::arbitrary<bool>();
  f.room_wide = *rc::gen::arbitrary<bool>();
  f.core_services_interrupted = *rc::gen::inRange<std::uint32_t>(0, 4);
  return f;
}

TEST(Grade, HitsEachRowOfTheTable) {
  for (const Case& c : cases()) {
    const GradeExplanation explanation = graded(c.facts);
    EXPECT_TRUE(hit(explanation, c.rule)) << c.rule;
    EXPECT_EQ(explanation.proposed, c.severity) << c.rule;
  }
}

// A new rule has a row above.
TEST(Grade, HasARowForEveryRule) {
  std::set<std::string> rows;
  for (const Case& c : cases()) rows.insert(c.rule);
  EXPECT_TRUE(rc::check("every hit is a row", [&rows] {
    for (const std::string& rule : graded(any_facts()).hits) RC_ASSERT(rows.contains(rule));
  }));
}

// Row Z, "any effect that no other row hits is C", is never needed: whatever effect is not
// contradicted is hit by a row of its own, B1 to D2.
TEST(Grade, RowZEveryEffectIsHitByARowAboutEffects) {
  const std::set<std::string> of_effects{"B1", "B1-support", "C0", "C1", "D1", "D2"};
  EXPECT_TRUE(rc::check("no effect is left over", [&of_effects] {
    GradeFacts facts = any_facts();
    if (facts.effect == Effect::none || facts.confidence == Confidence::contradicted) return;
    const GradeExplanation explanation = graded(facts);
    RC_ASSERT(std::any_of(explanation.hits.begin(), explanation.hits.end(),
                          [&](const std::string& rule) { return of_effects.contains(rule); }));
    RC_ASSERT(explanation.proposed >= Severity::d);
  }));
}

TEST(Grade, IsNoneForOneHarmlessEvent) {
  const GradeExplanation explanation = graded(of_kind(Kind::change));
  EXPECT_EQ(explanation.proposed, Severity::none);
  EXPECT_TRUE(explanation.hits.empty());
}

// "一天內" and "一天以上" both fit exactly 24 h; a tie is the worse.
TEST(Grade, TakesTheWorseAtATie) {
  EXPECT_EQ(graded(lasting(24h - 1ns)).proposed, Severity::b);
  EXPECT_EQ(graded(lasting(24h)).proposed, Severity::a);
  EXPECT_EQ(graded(lasting(30min - 1ns)).proposed, Severity::c);
  EXPECT_EQ(graded(lasting(30min)).proposed, Severity::b);
}

TEST(Grade, NeverMakesAnAOfADefaultRepairTime) {
  GradeFacts facts = about(Criticality::core, outage());
  facts.repair_estimate = 48h;
  EXPECT_LT(graded(facts).proposed, Severity::a);
  facts.estimate_by_person = true;
  EXPECT_EQ(graded(facts).proposed, Severity::a);
}

TEST(Grade, CapsASuspicionAtC) {
  for (const Criticality criticality : {Criticality::standard, Criticality::core}) {
    EXPECT_EQ(graded(estimated(48h, lasting(48h, believed(Confidence::suspected,
                                                          about(criticality, outage())))))
                  .proposed,
              Severity::c);
  }
}

// One credible source is enough for what harms most.
TEST(Grade, DoesNotCapAccessMalwareAndAuditGaps) {
  for (GradeFacts facts : {access_with(Impact::serious), of_kind(Kind::malware),
                           about(Criticality::core, of_kind(Kind::audit_gap))}) {
    const Severity confirmed = graded(facts).proposed;
    facts.confidence = Confidence::contradicted;
    EXPECT_EQ(graded(facts).proposed, confirmed);
  }
}

TEST(Grade, CountsUnknownCriticalityAsStandardAndSaysSo) {
  const GradeFacts unknown = lasting(30min, about(Criticality::unknown, outage()));
  EXPECT_EQ(graded(unknown).proposed, Severity::b);
  EXPECT_EQ(fact(graded(unknown), "criticality"), "unknown");
}

TEST(Grade, AsksAPersonForTheWorseGrade) {
  EXPECT_EQ(fact(graded(estimated(24h, outage())), "asks"), "A");
  EXPECT_EQ(fact(graded(lasting(24h, about(Criticality::support, outage()))), "asks"), "A");
  EXPECT_EQ(fact(graded(lasting(30min)), "asks"), "(none)");
}

TEST(Grade, ListsTheWorstHitFirst) {
  const GradeExplanation explanation = graded(lasting(24h));
  EXPECT_EQ(explanation.hits, (std::vector<std::string>{"A2", "B1", "B3"}));
}

TEST(Grade, SaysWhatChangesNextAndWhen) {
  GradeExplanation explanation = graded(lasting(10min));
  EXPECT_EQ(explanation.changes_next.code, "grade.changes_next");
  EXPECT_EQ(explanation.changes_next.parameters[1].value, "B");
  EXPECT_EQ(explanation.changes_next_at, kNow + 20min);
  explanation = graded(lasting(30min));
  EXPECT_EQ(explanation.changes_next.parameters[1].value, "A");
  EXPECT_EQ(explanation.changes_next_at, kNow + 23h + 30min);
  EXPECT_EQ(graded(lasting(24h)).changes_next_at, std::nullopt);
  EXPECT_EQ(graded(believed(Confidence::suspected, outage())).changes_next_at, std::nullopt);
}

TEST(Grade, SaysWhenAWorseGradeWillBeProposed) {
  const GradeFacts support = about(Criticality::support, outage());
  GradeExplanation explanation = graded(lasting(10min, support));
  EXPECT_EQ(explanation.changes_next.code, "grade.asks_next");
  EXPECT_EQ(explanation.changes_next.parameters[1].value, "B");
  EXPECT_EQ(explanation.changes_next_at, kNow + 20min);
  explanation = graded(lasting(30min, support));
  EXPECT_EQ(explanation.asks, Severity::b);
  EXPECT_EQ(explanation.changes_next.parameters[1].value, "A");
  EXPECT_EQ(explanation.changes_next_at, kNow + 23h + 30min);
}

TEST(Grade, PromisesNoChangeForWhatIsOver) {
  EXPECT_EQ(graded(with(outage(), [](auto& f) { f.continuing = false; })).changes_next_at,
            std::nullopt);
}

TEST(Grade, NamesTheNearestMiss) {
  const model::Message miss = graded(lasting(6h + 10min)).nearest_miss;
  EXPECT_EQ(i18n::render(i18n::Language::en, miss),
            "Nearest worse grade: A (rule A2) would need: a day or more; lasted 6h10m");
  EXPECT_EQ(graded(lasting(24h)).nearest_miss.code, "");
}

TEST(Grade, FollowsTheLimitsOfTheSite) {
  GradeLimits limits;
  limits.grade_short = 5min;
  EXPECT_EQ(grade(lasting(5min), limits, kNow).proposed, Severity::b);
  limits.recurrences = 10;
  EXPECT_EQ(grade(with(of_kind(Kind::backup_job), [](auto& f) { f.recurrences = 3; }), limits, kNow)
                .proposed,
            Severity::none);
}

bool has_words(const model::Message& message) {
  return message.code.empty() || !i18n::text(i18n::Language::en, message.code).empty();
}

TEST(GradeProperty, GivesEveryHarmAGradeAndAReason) {
  EXPECT_TRUE(rc::check("total", [] {
    const GradeFacts facts = any_facts();
    const GradeExplanation explanation = graded(facts);
    const bool harm = facts.effect != Effect::none || facts.access != Access::none ||
                      facts.kind == Kind::malware || facts.kind == Kind::audit_gap ||
                      facts.continuing || facts.recurrences >= 3 || facts.redundancy_lost;
    if (harm) RC_ASSERT(explanation.proposed != Severity::none);
    RC_ASSERT((explanation.proposed == Severity::none) == explanation.hits.empty());
    RC_ASSERT(explanation.changes_next.code.empty() == !explanation.changes_next_at.has_value());
    if (explanation.changes_next_at) RC_ASSERT(*explanation.changes_next_at > kNow);
    RC_ASSERT(has_words(explanation.nearest_miss) && has_words(explanation.changes_next));
    RC_ASSERT(i18n::render(i18n::Language::en, explanation.nearest_miss).find('@') ==
              std::string::npos);
  }));
}

// One fact made worse.
GradeFacts worsened(GradeFacts f) {
  switch (*rc::gen::inRange(0, 9)) {
    case 0:
      f.bad_for = f.bad_for > 100h
                      ? f.bad_for
                      : f.bad_for + std::chrono::seconds(*rc::gen::inRange(0, 100'000));
      break;
    case 1:
      f.effect = std::max(f.effect, static_cast<Effect>(*rc::gen::inRange(0, 4)));
      break;
    case 2:
      f.confidence = std::max(f.confidence, static_cast<Confidence>(*rc::gen::inRange(0, 3)));
      break;
    case 3:
      if (f.criticality == Criticality::unknown) f.criticality = Criticality::standard;
      f.criticality = std::max(f.criticality, static_cast<Criticality>(*rc::gen::inRange(1, 4)));
      break;
    case 4:
      f.centre_critical = true;
      break;
    case 5:
      f.access = std::max(f.access, static_cast<Access>(*rc::gen::inRange(0, 3)));
      break;
    case 6:
      f.impact = Impact::serious;
      break;
    case 7:
      f.contained = false;
      break;
    default:
      f.redundancy_lost = true;
      break;
  }
  return f;
}

TEST(GradeProperty, IsNeverMilderForMoreHarm) {
  EXPECT_TRUE(rc::check("monotone in harm", [] {
    const GradeFacts facts = any_facts();
    RC_ASSERT(graded(worsened(facts)).proposed >= graded(facts).proposed);
  }));
}

// The same, for every combination that the table can tell apart instead of some by chance.
TEST(GradeProperty, IsMonotoneOverTheWholeTable) {
  const std::vector<Duration> durations{1min, 30min, 2h, 4h, 24h};
  std::size_t walked = 0;
  for (int kind : {0, 4, 5, 6}) {
    for (int criticality = 1; criticality < 4; ++criticality) {
      for (int confidence = 0; confidence < 3; ++confidence) {
        for (const std::optional<Duration>& estimate :
             {std::optional<Duration>{}, std::optional<Duration>{1h},
              std::optional<Duration>{24h}}) {
          for (int bits = 0; bits < 64; ++bits) {
            for (int effect = 0; effect < 4; ++effect) {
              Severity before = Severity::none;
              for (const Duration d : durations) {
                GradeFacts f;
                f.kind = static_cast<Kind>(kind);
                f.criticality = static_cast<Criticality>(criticality);
                f.confidence = static_cast<Confidence>(confidence);
                f.repair_estimate = estimate;
                f.estimate_by_person = (bits & 1) != 0;
                f.fixable_now = (bits & 2) != 0;
                f.continuing = (bits & 4) != 0;
                f.redundancy_lost = (bits & 8) != 0;
                f.centre_critical = (bits & 16) != 0;
                f.room_wide = (bits & 32) != 0;
                f.core_services_interrupted = 2;
                f.effect = static_cast<Effect>(effect);
                f.bad_for = d;
                const Severity now = graded(f).proposed;
                ASSERT_GE(now, before);
                if (effect < 3) {
                  GradeFacts worse = f;
                  worse.effect = static_cast<Effect>(effect + 1);
                  ASSERT_GE(graded(worse).proposed, now);
                }
                if (confidence < 2) {
                  GradeFacts worse = f;
                  worse.confidence = static_cast<Confidence>(confidence + 1);
                  ASSERT_GE(graded(worse).proposed, now);
                }
                if (criticality < 3) {
                  GradeFacts worse = f;
                  worse.criticality = static_cast<Criticality>(criticality + 1);
                  ASSERT_GE(graded(worse).proposed, now);
                }
                before = now;
                ++walked;
              }
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(walked, 4U * 3 * 3 * 3 * 64 * 4 * 5);
}

TEST(GradeProperty, ExplainsTheSameFactsWithTheSameWords) {
  EXPECT_TRUE(rc::check("deterministic", [] {
    const GradeFacts facts = any_facts();
    RC_ASSERT(graded(facts) == graded(facts));
  }));
}

// What is announced happens: when the time has come, the grade is the one that was promised.
TEST(GradeProperty, KeepsWhatItPromises) {
  EXPECT_TRUE(rc::check("changes_next is true", [] {
    GradeFacts facts = any_facts();
    facts.bad_for = std::clamp<Duration>(facts.bad_for, 0h, 100h);
    const GradeExplanation before = graded(facts);
    if (!before.changes_next_at) return;
    facts.bad_for += *before.changes_next_at - kNow;
    const GradeExplanation after = graded(facts);
    const bool asks = before.changes_next.code == "grade.asks_next";
    const auto promised = asks ? after.asks : after.proposed;
    RC_ASSERT(promised > std::max(before.proposed, asks ? before.asks : Severity::none));
    RC_ASSERT(std::string(model::to_string(promised)) == before.changes_next.parameters[1].value);
    facts.bad_for -= 1ns;
    RC_ASSERT(graded(facts).proposed == before.proposed);
    RC_ASSERT(graded(facts).asks == before.asks);
  }));
}

TEST(Grade, HasWordsForEveryFactAndCondition) {
  std::set<std::string> seen;
  EXPECT_TRUE(rc::check("words", [&seen] {
    const GradeExplanation explanation = graded(any_facts());
    for (const model::Parameter& p : explanation.facts) {
      RC_ASSERT(!i18n::text(i18n::Language::zh_tw, "fact." + p.name).empty());
      seen.insert(p.name);
    }
  }));
  EXPECT_GT(seen.size(), 8U);
}

}  // namespace
}  // namespace tocsin::collector
