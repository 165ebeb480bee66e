#include "common/net/ping.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "common/base/result.hpp"
#include "common/net/neighbour.hpp"
#include "common/net/route.hpp"

namespace tocsin::net {
namespace {

constexpr int kMostPackets = 20;
constexpr int kGatewayPackets = 2;
constexpr int kNeighbourPackets = 2;
constexpr Duration kLongestGap = 400ms;
constexpr Duration kForNeighbour = 500ms;
constexpr Duration kForGateway = 750ms;
// What a look that hears nothing keeps before its deadline: one that runs into it has seen nothing.
constexpr Duration kReserve = 250ms;

std::uint32_t microseconds(Duration duration) {
  const std::int64_t us = duration.count() / 1000;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::uint32_t>::max()));
}

model::Tristate gateway_reachable(const std::string& root, MonoTime deadline,
                                  const time::TimeSource& time, std::stop_token stop) {
  const auto gateway = default_gateway(root);
  if (!gateway) return model::Tristate::unknown;
  PingPlan plan;
  plan.address = *gateway;
  plan.packets = kGatewayPackets;
  plan.between = kLongestGap / 4;
  plan.deadline = deadline;
  const auto result = ping(plan, time, stop);
  if (!result || result->sent == 0) return model::Tristate::unknown;
  return model::tristate(!result->round_trips.empty());
}

PingPlan plan_of(const model::CheckDefinition& check, const IpAddress& address, MonoTime started) {
  PingPlan plan;
  plan.address = address;
  plan.packets = std::clamp(check.ping_packets, 1, kMostPackets);
  plan.tcp_port = std::clamp(check.ping_tcp_port, 0, 65535);
  // Leaves time for the neighbour, the gateway and, where there is a port, for TCP.
  const Duration others = kForNeighbour + kForGateway + kReserve;
  const Duration available = std::max(check.deadline - others, check.deadline / 2);
  const Duration share = plan.tcp_port == 0 ? available : available / 2;
  plan.between = std::min(kLongestGap, share / (2 * plan.packets));
  plan.deadline = started + available;
  return plan;
}

// What filters everything else still has to say who has the address.
void ask_neighbours(PingPlan plan, PingResult& result, MonoTime end, const time::TimeSource& time,
                    std::stop_token stop) {
  plan.packets = kNeighbourPackets;
  plan.deadline = std::min(end, time.steady() + kForNeighbour);
  const auto answered = ping_neighbour(plan, time, stop);
  if (answered && !answered->round_trips.empty()) result = *answered;
}

}  // namespace

model::PingFacts ping_facts(const IpAddress& address, const PingResult& result) {
  TOCSIN_CHECK(result.round_trips.size() <= result.sent);
  model::PingFacts facts;
  facts.address = to_string(address);
  facts.method = result.method;
  facts.sent = result.sent;
  facts.received = static_cast<std::uint32_t>(result.round_trips.size());
  facts.unreachable = result.unreachable;
  if (result.round_trips.empty()) return facts;
  const auto [low, high] =
      std::minmax_element(result.round_trips.begin(), result.round_trips.end());
  Duration sum{};
  for (const Duration trip : result.round_trips) sum += trip;
  facts.rtt_min_us = microseconds(*low);
  facts.rtt_max_us = microseconds(*high);
  facts.rtt_avg_us = microseconds(sum / static_cast<std::int64_t>(facts.received));
  return facts;
}

Result<model::PingFacts> look_by_ping(const model::CheckDefinition& check, const std::string& root,
                                      const time::TimeSource& time, std::stop_token stop) {
  const auto address = parse_ip(check.check.target);
  if (!address) return fail(ErrorCode::invalid_argument, "not an address: " + check.check.target);
  const MonoTime started = time.steady();
  const MonoTime end = started + (check.deadline - std::min(kReserve, check.deadline / 4));
  const PingPlan plan = plan_of(check, *address, started);
  auto result = ping(plan, time, stop);
  if (!result) return fail(result.error());
  if (result->round_trips.empty()) ask_neighbours(plan, *result, end, time, stop);
  model::PingFacts facts = ping_facts(*address, *result);
  if (facts.received == 0) {
    facts.gateway_reachable = gateway_reachable(root, end, time, stop);
  }
  return facts;
}

}  // namespace tocsin::net
