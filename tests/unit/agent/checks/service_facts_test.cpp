#include "agent/checks/service_facts.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

constexpr Instant kNow{1'800'000'000'000'000'000};

// procedure M-03
TEST(ServiceFacts, KnowUnitsThatAreActiveWithoutAProcess) {
  os::UnitProperties unit;
  unit.active_state = "active";
  unit.type = "simple";
  EXPECT_FALSE(service_facts("a.service", unit, 0, kNow).one_shot);
  unit.type = "oneshot";
  EXPECT_TRUE(service_facts("a.service", unit, 0, kNow).one_shot);
  unit.type = "forking";
  unit.remain_after_exit = true;
  EXPECT_TRUE(service_facts("a.service", unit, 0, kNow).one_shot);
}

TEST(ServiceFacts, CleanWhatSystemdSays) {
  os::UnitProperties unit;
  unit.sub_state = "a\x1b[2J";
  unit.exit_status = -1;
  const auto facts = service_facts("a.service", unit, 0, kNow);
  EXPECT_EQ(facts.sub_state, "a\\x1b[2J");
  EXPECT_EQ(facts.exit_status, -1);
}

TEST(ServiceFacts, SayInStepsHowLongAChangeLasts) {
  os::UnitProperties unit;
  const auto lasted = [&](const char* state, Duration ago) {
    unit.active_state = state;
    unit.state_change = kNow - ago;
    return service_facts("a.service", unit, 0, kNow).lasted_s;
  };
  EXPECT_EQ(lasted("activating", 59s), 0U);
  EXPECT_EQ(lasted("activating", 60s), 60U);
  EXPECT_EQ(lasted("deactivating", 299s), 60U);
  EXPECT_EQ(lasted("deactivating", 24h), 300U);
  EXPECT_EQ(lasted("active", 24h), 0U);
}

TEST(RecentRestarts, CountWhatWasAddedInTheLastTenMinutes) {
  RecentRestarts restarts;
  const MonoTime start{1'000'000'000};
  EXPECT_EQ(restarts.look(7, start), 0U);  // Before this agent looked.
  EXPECT_EQ(restarts.look(8, start + 10s), 1U);
  EXPECT_EQ(restarts.look(10, start + 20s), 3U);
  EXPECT_EQ(restarts.look(0, start + 30s), 3U);  // Somebody started it anew.
  EXPECT_EQ(restarts.look(1, start + 40s), 4U);
  EXPECT_EQ(restarts.look(1, start + 10s + kRestartsWindow), 3U);
  EXPECT_EQ(restarts.look(1, start + 40s + kRestartsWindow), 0U);
}

TEST(RecentRestarts, KeepABoundedMemory) {
  RecentRestarts restarts;
  restarts.look(0, MonoTime{});
  EXPECT_EQ(restarts.look(4'000'000'000U, MonoTime{} + 1s), 64U);
}

}  // namespace
}  // namespace tocsin::agent
