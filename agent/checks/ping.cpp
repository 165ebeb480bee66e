#include "agent/checks/ping.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/checks/observation.hpp"
#include "agent/checks/ping_facts.hpp"
#include "agent/os/files.hpp"
#include "agent/os/icmp.hpp"
#include "agent/os/procfs.hpp"

namespace tocsin::agent {
namespace {

constexpr int kMostPackets = 20;
constexpr int kGatewayPackets = 2;
constexpr Duration kLongestGap = 400ms;
constexpr Duration kForGateway = 1500ms;

std::optional<os::IpAddress> default_gateway(const std::string& root) {
  const auto routes = os::read_start(os::under(root, "/proc/net/route"), 1 << 20);
  const auto gateway = routes ? os::parse_default_gateway(*routes) : std::nullopt;
  if (!gateway) return std::nullopt;
  os::IpAddress address;
  std::memcpy(address.bytes.data(), &*gateway, 4);
  return address;
}

model::Tristate gateway_reachable(const Run& run, CheckContext& context) {
  const auto gateway = default_gateway(context.root);
  if (!gateway) return model::Tristate::unknown;
  os::PingPlan plan;
  plan.address = *gateway;
  plan.packets = kGatewayPackets;
  plan.between = kLongestGap / 4;
  plan.deadline = run.deadline();
  const auto result = os::ping(plan, context.time, context.stop);
  if (!result || result->sent == 0) return model::Tristate::unknown;
  return model::tristate(!result->round_trips.empty());
}

os::PingPlan plan_of(const model::CheckDefinition& check, const os::IpAddress& address,
                     const Run& run) {
  os::PingPlan plan;
  plan.address = address;
  plan.packets = std::clamp(check.ping_packets, 1, kMostPackets);
  plan.tcp_port = std::clamp(check.ping_tcp_port, 0, 65535);
  // Leaves time for the gateway and, where there is a port, for TCP.
  const Duration available = std::max(check.deadline - kForGateway, check.deadline / 2);
  const Duration share = plan.tcp_port == 0 ? available : available / 2;
  plan.between = std::min(kLongestGap, share / (2 * plan.packets));
  plan.deadline = run.started() + available;
  return plan;
}

}  // namespace

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const auto address = os::parse_ip(check.check.target);
  if (!address) {
    return run.unseen(Error{ErrorCode::invalid_argument, "not an address: " + check.check.target});
  }
  const auto result = os::ping(plan_of(check, *address, run), context.time, context.stop);
  if (!result) return run.unseen(result.error());
  model::PingFacts facts = ping_facts(*address, *result);
  if (facts.received == 0) facts.gateway_reachable = gateway_reachable(run, context);
  return run.seen(std::move(facts));
}

}  // namespace tocsin::agent
