#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::MetricsFacts;
using model::Severity;
using model::Tristate;
using model::Verdict;

MetricsFacts well() {
  MetricsFacts facts;
  facts.memory_available_permille = 400;
  facts.processors = 2;
  facts.clock_synchronized = Tristate::yes;
  facts.memory_known = Tristate::yes;
  facts.kills_apart = Tristate::yes;
  facts.stalled_known = Tristate::yes;
  facts.file_systems = {{"/", 500, 100, false}, {"/var", 800, 20, false}};
  return facts;
}

model::Judgement judged(const MetricsFacts& facts) {
  return judge(seen(model::CheckKind::metrics, facts), nullptr, {});
}

std::string only(const model::Judgement& judgement) {
  return judgement.violations.size() == 1 ? judgement.violations.front().code
                                          : std::string(to_string(judgement.verdict));
}

TEST(MetricsRules, WhatIsWithinItsLimitsIsNormal) {
  EXPECT_EQ(only(judged(well())), "normal");
  EXPECT_EQ(first_reason(judged(well())), "metrics.ok");
}

TEST(MetricsRules, ADiskIsLowThenFullBySpaceOrInodes) {
  MetricsFacts facts = well();
  facts.file_systems[1].used_permille = 900;
  EXPECT_EQ(only(judged(facts)), "disk.space_low");
  EXPECT_EQ(judged(facts).violations.front().subject, "/var");
  EXPECT_EQ(suggested_severity(judged(facts).violations.front()), Severity::e);
  facts.file_systems[1].used_permille = 970;
  EXPECT_EQ(only(judged(facts)), "disk.space_full");
  EXPECT_EQ(suggested_severity(judged(facts).violations.front()), Severity::d);
  facts = well();
  facts.file_systems[0].inodes_used_permille = 1000;
  EXPECT_EQ(only(judged(facts)), "disk.inodes_full");
  facts.file_systems[0].inodes_used_permille = 900;
  EXPECT_EQ(only(judged(facts)), "disk.inodes_low");
  facts = well();
  facts.file_systems[0].read_only = true;
  EXPECT_EQ(only(judged(facts)), "disk.read_only");
}

TEST(MetricsRules, LittleMemoryIsAFindingWhereProgramsWaitForIt) {
  MetricsFacts facts = well();
  facts.memory_available_permille = 30;
  EXPECT_EQ(only(judged(facts)), "normal");
  facts.stalled_permille = 100;
  EXPECT_EQ(only(judged(facts)), "memory.exhausted");
  facts.stalled_permille = 0;
  facts.stalled_known = Tristate::no;
  EXPECT_EQ(only(judged(facts)), "memory.exhausted") << "this kernel cannot say who waits";
  facts = well();
  facts.recent_oom_kills = 1;
  EXPECT_EQ(only(judged(facts)), "memory.killed");
  EXPECT_EQ(first_reason(judged(facts)), "memory.killed");
}

// What was not read is no zero, though a kernel that does not tell who waits is asked.
TEST(MetricsRules, MemoryThatIsNotToldIsNotExhausted) {
  MetricsFacts facts = well();
  facts.memory_known = Tristate::no;
  facts.stalled_known = Tristate::no;
  facts.memory_available_permille = 0;
  const auto judgement = judged(facts);
  EXPECT_EQ(only(judgement), "cannot_tell");
  EXPECT_TRUE(says(judgement, "metrics.memory_unknown"));
  EXPECT_FALSE(looked_at(judgement, "memory.exhausted", "memory"));
  EXPECT_TRUE(looked_at(judgement, "disk.space_low", "/var"));
  facts.file_systems[0].read_only = true;
  EXPECT_EQ(only(judged(facts)), "disk.read_only") << "what was seen stays a finding";
  facts = well();
  facts.memory_known = Tristate::unknown;
  EXPECT_EQ(only(judged(facts)), "normal") << "of an agent that does not say so yet";
}

// A service that met the limit that its owner gave it says nothing of the host.
TEST(MetricsRules, AKillByALimitOfItsOwnIsNoFindingWhereItCanBeToldApart) {
  MetricsFacts facts = well();
  facts.recent_limit_kills = 3;
  EXPECT_EQ(only(judged(facts)), "normal");
  EXPECT_TRUE(says(judged(facts), "memory.limit_killed"));
  facts = well();
  facts.recent_oom_kills = 1;
  facts.kills_apart = Tristate::no;
  EXPECT_EQ(only(judged(facts)), "memory.killed");
  EXPECT_EQ(first_reason(judged(facts)), "memory.killed_or_limit");
}

TEST(MetricsRules, AClockIsKeptRightOrNot) {
  MetricsFacts facts = well();
  facts.clock_synchronized = Tristate::no;
  EXPECT_EQ(only(judged(facts)), "clock.unsynchronized");
  EXPECT_EQ(suggested_severity(judged(facts).violations.front()), Severity::e);
  facts.clock_synchronized = Tristate::unknown;
  EXPECT_EQ(only(judged(facts)), "cannot_tell");
  EXPECT_TRUE(says(judged(facts), "clock.unknown"));
  EXPECT_FALSE(looked_at(judged(facts), "clock.wrong", "clock"));
  facts = well();
  facts.clock_offset_us = -1'000'000;
  EXPECT_EQ(only(judged(facts)), "normal");
  facts.clock_offset_us = -1'000'001;
  EXPECT_EQ(only(judged(facts)), "clock.wrong");
}

TEST(MetricsRules, WhatCouldNotBeLookedAtIsSaid) {
  MetricsFacts facts = well();
  facts.file_systems_unseen = 1;
  EXPECT_EQ(only(judged(facts)), "cannot_tell");
  EXPECT_TRUE(says(judged(facts), "metrics.unseen"));
  EXPECT_FALSE(looked_at(judged(facts), "disk.space_low", "/gone"));
  EXPECT_TRUE(looked_at(judged(facts), "disk.space_low", "/var"));
}

// More than are told is how a host with many containers is, at every look.
TEST(MetricsRules, MoreFileSystemsThanAreToldAreANote) {
  MetricsFacts facts = well();
  facts.file_systems_over_limit = 5;
  EXPECT_EQ(only(judged(facts)), "normal");
  EXPECT_TRUE(says(judged(facts), "metrics.unseen"));
  EXPECT_FALSE(looked_at(judged(facts), "disk.space_low", "/left_out"));
  EXPECT_TRUE(looked_at(judged(facts), "disk.space_low", "/var"));
  facts.file_systems_unseen = 1;
  EXPECT_EQ(only(judged(facts)), "cannot_tell");
}

// More used is never better.
RC_GTEST_PROP(MetricsProperty, IsMonotoneInUse, ()) {
  const auto used = *rc::gen::inRange<std::uint32_t>(0, 1001);
  const auto more = *rc::gen::inRange<std::uint32_t>(used, 1001);
  MetricsFacts facts = well();
  facts.file_systems = {{"/", used, 0, false}};
  const auto before = judged(facts);
  facts.file_systems = {{"/", more, 0, false}};
  const auto after = judged(facts);
  RC_ASSERT(harm(after.verdict) >= harm(before.verdict));
  if (!before.violations.empty()) {
    RC_ASSERT(suggested_severity(after.violations.front()) >=
              suggested_severity(before.violations.front()));
  }
}

}  // namespace
}  // namespace tocsin::rules
