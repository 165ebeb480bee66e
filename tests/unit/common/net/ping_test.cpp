#include "common/net/ping.hpp"

#include <gtest/gtest.h>

namespace tocsin::net {
namespace {

// procedure M-01
TEST(PingFacts, SummariseTheRoundTrips) {
  PingResult result;
  result.method = model::PingMethod::icmp_raw;
  result.sent = 5;
  result.unreachable = 1;
  for (const Duration trip : {3ms, 1ms, 2ms}) result.add(trip);
  const auto facts = ping_facts(*parse_ip("10.0.0.7"), result);
  EXPECT_EQ(facts.address, "10.0.0.7");
  EXPECT_EQ(facts.method, model::PingMethod::icmp_raw);
  EXPECT_EQ(facts.sent, 5U);
  EXPECT_EQ(facts.received, 3U);
  EXPECT_EQ(facts.unreachable, 1U);
  EXPECT_EQ(facts.rtt_min_us, 1000U);
  EXPECT_EQ(facts.rtt_avg_us, 2000U);
  EXPECT_EQ(facts.rtt_max_us, 3000U);
}

TEST(PingFacts, WithoutAnAnswerHaveNoRoundTrips) {
  PingResult result;
  result.sent = 5;
  const auto facts = ping_facts(*parse_ip("::1"), result);
  EXPECT_EQ(facts.received, 0U);
  EXPECT_EQ(facts.rtt_max_us, 0U);
  EXPECT_EQ(facts.gateway_reachable, model::Tristate::unknown);
}

}  // namespace
}  // namespace tocsin::net
