#include "agent/actions/restart_limits.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

constexpr Instant kNow{1'800'000'000'000'000'000};
const std::string kUnit = "web.service";

ActionSettings allowing() {
  ActionSettings settings;
  settings.restart = {{kUnit, false}};
  return settings;
}

std::string refusal(const ActionSettings& settings, const std::vector<Instant>& attempts) {
  const auto why = refuse_restart(settings, kUnit, attempts, kNow);
  return why ? why->code : "";
}

// procedure M-03
TEST(RestartLimits, OnlyWhatTheHostsFileNames) {
  EXPECT_EQ(refusal({}, {}), "action.not_allowed");
  EXPECT_EQ(refusal(allowing(), {}), "");
  ActionSettings other;
  other.restart = {{"web.service.evil", true}};
  EXPECT_EQ(refusal(other, {}), "action.not_allowed");
}

TEST(RestartLimits, NothingInMaintenance) {
  ActionSettings settings = allowing();
  settings.maintenance = true;
  EXPECT_EQ(refusal(settings, {}), "action.maintenance");
}

TEST(RestartLimits, OnceInFifteenMinutesAndThreeTimesADay) {
  EXPECT_EQ(refusal(allowing(), {kNow - 899s}), "action.too_soon");
  EXPECT_EQ(refusal(allowing(), {kNow - 900s}), "");
  EXPECT_EQ(refusal(allowing(), {kNow - 3h, kNow - 2h, kNow - 1h}), "action.too_often");
  EXPECT_EQ(refusal(allowing(), {kNow - 24h, kNow - 2h, kNow - 1h}), "");
}

TEST(RestartLimits, AClockThatWasSetBackAllowsNoMore) {
  EXPECT_EQ(refusal(allowing(), {kNow + 1h}), "action.too_soon");
}

TEST(RestartLimits, ADamagedCountAllowsNoMore) {
  const auto attempts = parse_attempts("1800000000000000000x\n", kNow);
  EXPECT_EQ(refusal(allowing(), attempts), "action.too_soon");
  EXPECT_TRUE(parse_attempts("", kNow).empty());
  // So long ago that no difference says it: no clock ever said that.
  EXPECT_EQ(refusal(allowing(), parse_attempts("-9223372036854775808\n", kNow)), "action.too_soon");
}

TEST(RestartLimits, ACountThatIsTooLongAllowsNoMore) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "1\n";
  EXPECT_EQ(refusal(allowing(), parse_attempts(text, kNow)), "");
  text += std::to_string(kNow.ns) + "\n";
  EXPECT_EQ(refusal(allowing(), parse_attempts(text, kNow)), "action.too_soon");
}

RC_GTEST_PROP(RestartLimitsProperty, WhateverIsAskedWhenNoMoreThanTheMostHappens, ()) {
  std::vector<Instant> done;
  std::string noted;
  Instant now = kNow;
  for (int i = 0; i < 60; ++i) {
    now = now + Duration(1s) * *rc::gen::inRange(0, 3600);
    const auto attempts = parse_attempts(noted, now);
    if (refuse_restart(allowing(), kUnit, attempts, now)) continue;
    noted = print_attempts(attempts, now);
    done.push_back(now);
  }
  RC_ASSERT(!done.empty());
  for (const Instant last : done) {
    const auto within = [&](Duration span) {
      return std::count_if(done.begin(), done.end(), [&](Instant attempt) {
        return attempt <= last && last - attempt < span;
      });
    };
    RC_ASSERT(within(kRestartEvery) == 1);
    RC_ASSERT(within(24h) <= static_cast<std::ptrdiff_t>(kRestartsADay));
  }
}

}  // namespace
}  // namespace tocsin::agent
