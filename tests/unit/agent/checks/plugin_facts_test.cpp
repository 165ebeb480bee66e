#include "agent/checks/plugin_facts.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

model::PluginFacts parse(std::string_view output) { return plugin_facts("p", 0, output, false); }

TEST(PluginFacts, ReadsTextAndPerformanceData) {
  // As check_disk of Debian's monitoring-plugins prints it.
  const auto facts = parse(
      "DISK OK - free space: / 3326 MiB (56%); | /=2643MB;5948;5958;0;5968\n"
      "/ 15272 MiB (77%);\n/boot 68 MiB (69%); | /boot=68MB;88;93;0;98\n'/home "
      "dir'=69357MB;253;;\n");
  EXPECT_EQ(facts.output, "DISK OK - free space: / 3326 MiB (56%);");
  ASSERT_EQ(facts.performance.size(), 3U);
  EXPECT_EQ(facts.performance[0], (model::PerformanceValue{"/", "2643", "MB"}));
  EXPECT_EQ(facts.performance[1], (model::PerformanceValue{"/boot", "68", "MB"}));
  EXPECT_EQ(facts.performance[2], (model::PerformanceValue{"/home dir", "69357", "MB"}));
  EXPECT_EQ(facts.performance_over_limit, 0U);
}

TEST(PluginFacts, ReadsQuotesWithinLabelsAndValuesThatCouldNotBeTold) {
  const auto facts = parse("x | 'it''s = odd'=-0.5% load=U;; t=3.1s");
  ASSERT_EQ(facts.performance.size(), 3U);
  EXPECT_EQ(facts.performance[0], (model::PerformanceValue{"it's = odd", "-0.5", "%"}));
  EXPECT_EQ(facts.performance[1], (model::PerformanceValue{"load", "U", ""}));
  EXPECT_EQ(facts.performance[2], (model::PerformanceValue{"t", "3.1", "s"}));
}

TEST(PluginFacts, CountsWhatIsNoValue) {
  const auto facts = parse("x | broken =5 a= b=c 'open=1");
  EXPECT_TRUE(facts.performance.empty());
  EXPECT_EQ(facts.performance_over_limit, 5U);
}

TEST(PluginFacts, KeepsAtMostItsLimit) {
  std::string output = "x |";
  for (int i = 0; i < 100; ++i) output += " v" + std::to_string(i) + "=1";
  const auto facts = parse(output);
  EXPECT_EQ(facts.performance.size(), limits::kPerformanceValues);
  EXPECT_EQ(facts.performance_over_limit, 100 - limits::kPerformanceValues);
}

TEST(PluginFacts, NoOutputIsNoText) { EXPECT_EQ(parse("").output, ""); }

}  // namespace
}  // namespace tocsin::agent
