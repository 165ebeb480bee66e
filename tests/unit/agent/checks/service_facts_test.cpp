#include "agent/checks/service_facts.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

// procedure M-03
TEST(ServiceFacts, KnowUnitsThatAreActiveWithoutAProcess) {
  os::UnitProperties unit;
  unit.active_state = "active";
  unit.type = "simple";
  EXPECT_FALSE(service_facts("a.service", unit).one_shot);
  unit.type = "oneshot";
  EXPECT_TRUE(service_facts("a.service", unit).one_shot);
  unit.type = "forking";
  unit.remain_after_exit = true;
  EXPECT_TRUE(service_facts("a.service", unit).one_shot);
}

TEST(ServiceFacts, CleanWhatSystemdSays) {
  os::UnitProperties unit;
  unit.sub_state = "a\x1b[2J";
  unit.exit_status = -1;
  const auto facts = service_facts("a.service", unit);
  EXPECT_EQ(facts.sub_state, "a\\x1b[2J");
  EXPECT_EQ(facts.exit_status, -1);
}

}  // namespace
}  // namespace tocsin::agent
