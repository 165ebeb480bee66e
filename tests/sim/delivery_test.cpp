// Every accepted fact takes effect exactly once, or a loss record says why not, a restart at any
// step changes no outcome, and what is graded B or worse is told at once or given up: many seeds of
// a room where everything fails.
//
//   TOCSIN_SIM_SEED=17 sim_delivery         one seed, longer
//   TOCSIN_SIM_SEEDS=1000 sim_delivery      seeds 1 to 1000
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/log/log.hpp"
#include "tests/sim/simulation.hpp"

namespace tocsin::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kSeeds = 30;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A storm is thousands of warnings; what matters is in the violations.
class SimDelivery : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { log::start("sim", log::Level::error); }
};
class SimNotices : public SimDelivery {};

TEST_F(SimDelivery, EveryAcceptedFactTakesEffectOnceAndARestartChangesNothing) {
  const std::uint64_t only = number_from_environment("TOCSIN_SIM_SEED", 0);
  const std::uint64_t seeds = number_from_environment("TOCSIN_SIM_SEEDS", kSeeds);
  Happened all;
  for (std::uint64_t seed = only == 0 ? 1 : only; seed <= (only == 0 ? seeds : only); ++seed) {
    Simulation simulation(seed, {});
    simulation.run();
    ASSERT_THAT(simulation.violations(), IsEmpty()) << "seed " << seed;
    all += simulation.happened();
  }
  if (only != 0 || seeds < kSeeds) return;
  // A storm that never blows proves nothing.
  EXPECT_GT(all.facts, 1000U);
  EXPECT_GT(all.dropped, 0U);
  EXPECT_GT(all.repeated, 0U);
  EXPECT_GT(all.duplicates, 0U);
  EXPECT_GT(all.gaps, 0U);
  EXPECT_GT(all.replaced, 0U);
  EXPECT_GT(all.collector_kills, 0U);
  EXPECT_GT(all.collector_power_cuts, 0U);
  EXPECT_GT(all.agent_power_cuts, 0U);
  EXPECT_GT(all.restores, 0U);
  EXPECT_GT(all.new_epochs, 0U);
  EXPECT_GT(all.ranges_lost, 0U);
  EXPECT_GT(all.facts_refused, 0U);
  EXPECT_GT(all.clock_steps, 0U);
  EXPECT_GT(all.incidents, 0U);
  EXPECT_GT(all.b_or_worse, 0U);
  EXPECT_GT(all.notifications_given_up, 0U);
  EXPECT_GT(all.results_missing, 0U);
  EXPECT_GT(all.journals_put_back, 0U);
  EXPECT_GT(all.states_put_back, 0U);
  EXPECT_GT(all.states_refused, 0U);
}

// Agents then know more than the collector: what they hold no more is lost, and none of them is
// taken for a restored host.
TEST_F(SimDelivery, ACollectorThatWasPutBackLosesARangeAndSuspectsNoHost) {
  SimulationOptions options;
  options.spools_go_back = false;
  Happened all;
  for (std::uint64_t seed = 101; seed <= 110; ++seed) {
    Simulation simulation(seed, options);
    simulation.run();
    ASSERT_THAT(simulation.violations(), IsEmpty()) << "seed " << seed;
    all += simulation.happened();
  }
  EXPECT_GT(all.journals_put_back, 0U);
  EXPECT_GT(all.ranges_lost, 0U);
  EXPECT_EQ(all.new_epochs, 0U);
}

// Some seed notices: one of the first few, as a rule, and of what is rare one of the others.
std::string first_violation(Sabotage sabotage) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulationOptions options;
    options.sabotage = sabotage;
    Simulation simulation(seed, options);
    simulation.run();
    if (!simulation.violations().empty()) return simulation.violations().front();
  }
  return {};
}

TEST_F(SimNotices, AnAcknowledgementBeforeTheCommit) {
  EXPECT_THAT(first_violation(Sabotage::acknowledge_early), HasSubstr("acknowledged"));
}

TEST_F(SimNotices, ACursorThatDoesNotCommitWithItsFacts) {
  EXPECT_THAT(first_violation(Sabotage::forget_cursor), HasSubstr("journaled"));
}

TEST_F(SimNotices, ARestoredSpoolWhoseHistoryNobodyCompares) {
  EXPECT_THAT(first_violation(Sabotage::forget_chain),
              HasSubstr("was accepted and never took effect"));
}

TEST_F(SimNotices, AResultThatNobodyMisses) {
  EXPECT_THAT(first_violation(Sabotage::forget_results), HasSubstr("not everything arrived"));
}

TEST_F(SimNotices, ANotificationThatIsDropped) {
  EXPECT_THAT(first_violation(Sabotage::drop_notification), HasSubstr("was not told to"));
}

TEST_F(SimNotices, ANotificationThatIsMadeLate) {
  EXPECT_THAT(first_violation(Sabotage::tell_late), HasSubstr("was told late to"));
}

TEST_F(SimNotices, AFactThatIsSwallowed) {
  EXPECT_THAT(first_violation(Sabotage::swallow_fact), HasSubstr("journaled fact"));
}

TEST_F(SimNotices, AJudgeThatPassesOverAnEntryAfterARestart) {
  EXPECT_THAT(first_violation(Sabotage::skip_entry),
              HasSubstr("the state is not the fold of the journal"));
}

}  // namespace
}  // namespace tocsin::tests
