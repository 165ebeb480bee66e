#include "agent/checks/ping_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "common/base/result.hpp"

namespace tocsin::agent {
namespace {

std::uint32_t microseconds(Duration duration) {
  const std::int64_t us = duration.count() / 1000;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

model::PingFacts ping_facts(const os::IpAddress& address, const os::PingResult& result) {
  TOCSIN_CHECK(result.round_trips.size() <= result.sent);
  model::PingFacts facts;
  facts.address = os::to_string(address);
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

}  // namespace tocsin::agent
