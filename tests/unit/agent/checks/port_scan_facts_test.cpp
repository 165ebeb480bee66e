#include "agent/checks/port_scan_facts.hpp"

#include <gtest/gtest.h>

#include "agent/checks/probe_targets.hpp"
#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

TEST(PortScanFacts, CountWhatAnswersHow) {
  const auto facts = port_scan_facts("10.0.0.7",
                                     {{443, PortState::open},
                                      {22, PortState::open},
                                      {23, PortState::closed},
                                      {25, PortState::filtered}},
                                     4);
  EXPECT_EQ(facts.open, (std::vector<std::uint16_t>{22, 443}));
  EXPECT_EQ(facts.closed, 1U);
  EXPECT_EQ(facts.filtered, 1U);
  EXPECT_TRUE(facts.complete);
  EXPECT_FALSE(port_scan_facts("10.0.0.7", {}, 1).complete);
}

TEST(PortScanFacts, KeepToTheLimitAndSayHowMuchIsLeftOut) {
  std::vector<TriedPort> tried;
  for (std::uint16_t port = 1; port <= limits::kOpenPorts + 5; ++port) {
    tried.push_back({port, PortState::open});
  }
  const auto facts = port_scan_facts("10.0.0.7", tried, tried.size());
  EXPECT_EQ(facts.open.size(), limits::kOpenPorts);
  EXPECT_EQ(facts.open_over_limit, 5U);
}

// procedure M-07: a host probes only whom its own file allows.
TEST(ProbeTargets, AreThoseOfTheHostsOwnFile) {
  HostSettings settings;
  EXPECT_FALSE(may_probe(settings, "10.0.0.7"));
  settings.probe_targets = {"10.0.0.0/24", "2001:db8::7"};
  EXPECT_TRUE(may_probe(settings, "10.0.0.7"));
  EXPECT_TRUE(may_probe(settings, "2001:db8::7"));
  EXPECT_FALSE(may_probe(settings, "10.0.1.7"));
  EXPECT_FALSE(may_probe(settings, "0.0.0.0/0"));
  EXPECT_FALSE(may_probe(settings, "db1"));
}

}  // namespace
}  // namespace tocsin::agent
