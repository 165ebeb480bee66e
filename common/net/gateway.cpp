#include "common/net/gateway.hpp"

#include <algorithm>
#include <utility>

#include <net/if.h>
#include <poll.h>

#include "common/net/neighbour.hpp"
#include "common/net/neighbour_table.hpp"
#include "common/net/sweep.hpp"

namespace tocsin::net {
namespace {

constexpr int kPackets = 2;
constexpr int kQuestions = 2;
constexpr Duration kBetween = 100ms;
constexpr int kLookAgainMs = 50;  // at the kernel's table

}  // namespace

Gateways::Gateways(const std::string& root, const time::TimeSource& time, std::stop_token stop)
    : time_(time), began_(time.steady()), stop_(std::move(stop)) {
  for (const bool v6 : {false, true}) {
    const auto gateway = default_gateway(root, v6);
    if (!gateway) continue;
    Asked& one = asked_.emplace_back();
    one.plan.address = gateway->address;
    one.plan.interface = ::if_nametoindex(gateway->interface.c_str());
    one.plan.packets = kPackets;
    one.plan.between = kBetween;
    one.sight.address = to_string(gateway->address);
    one.on_lan = lan_of(one.plan.address, one.plan.interface).has_value();
  }
}

void Gateways::prime() {
  if (asked_.empty() || may_ask_neighbours()) return;
  std::vector<PingPlan> plans = undecided();
  for (PingPlan& plan : plans) plan.packets = 1;
  // What answers this is asked again by `look`.
  static_cast<void>(sweep(plans, {}, time_.steady() + 1ms, time_, stop_));
}

void Gateways::look(MonoTime deadline) {
  by_neighbour(deadline);
  by_echo(deadline);
  by_kernel(deadline);
}

const GatewaySight& Gateways::of(bool v6) const {
  if (asked_.empty()) return none_;
  const auto own = std::find_if(asked_.begin(), asked_.end(),
                                [&](const Asked& one) { return one.plan.address.v6 == v6; });
  return (own == asked_.end() ? asked_.front() : *own).sight;
}

std::vector<PingPlan> Gateways::undecided() const {
  std::vector<PingPlan> plans;
  for (const Asked& one : asked_) {
    if (one.sight.reachable == model::Tristate::unknown) plans.push_back(one.plan);
  }
  return plans;
}

void Gateways::decide(const IpAddress& address, model::Tristate reachable) {
  for (Asked& one : asked_) {
    if (one.plan.address == address) one.sight.reachable = reachable;
  }
}

void Gateways::by_neighbour(MonoTime deadline) {
  const std::vector<PingPlan> plans = undecided();
  if (plans.empty()) return;
  const auto results = ping_neighbours(plans, kQuestions, deadline, time_, stop_);
  for (std::size_t i = 0; results && i < plans.size(); ++i) {
    const PingResult& result = (*results)[i];
    if (result.received > 0) decide(plans[i].address, model::Tristate::yes);
    // Two answers may be lost: only together with the silence of its echo is that an absence.
    for (Asked& one : asked_) {
      if (one.plan.address == plans[i].address)
        one.silent = result.sent > 0 && result.received == 0;
    }
  }
}

void Gateways::by_echo(MonoTime deadline) {
  const std::vector<PingPlan> plans = undecided();
  if (plans.empty()) return;
  const auto results = sweep(plans, {}, deadline, time_, stop_);
  for (std::size_t i = 0; results && i < plans.size(); ++i) {
    const bool on_lan = std::any_of(asked_.begin(), asked_.end(), [&](const Asked& one) {
      return one.plan.address == plans[i].address && one.on_lan;
    });
    if ((*results)[i].received > 0) {
      decide(plans[i].address, model::Tristate::yes);
    } else if ((*results)[i].sent > 0 && !on_lan) {
      decide(plans[i].address, model::Tristate::no);
    }
  }
  // Whoever does not say that he has the address does not take a packet for it either.
  for (const Asked& one : asked_) {
    const bool unknown = one.sight.reachable == model::Tristate::unknown;
    if (one.silent && unknown) decide(one.plan.address, model::Tristate::no);
  }
}

// On a LAN silence proves nothing: the gateway may filter. The kernel had to find it to send.
void Gateways::by_kernel(MonoTime deadline) {
  for (;;) {
    const std::vector<PingPlan> plans = undecided();
    bool pending = false;
    for (const PingPlan& plan : plans) {
      const auto state = neighbour_state(plan.address, plan.interface, time_.steady() - began_);
      if (state == NeighbourState::there) decide(plan.address, model::Tristate::yes);
      if (state == NeighbourState::gone) decide(plan.address, model::Tristate::no);
      pending = pending || state == NeighbourState::pending;
    }
    if (!pending || time_.steady() >= deadline || stop_.stop_requested()) return;
    ::poll(nullptr, 0, kLookAgainMs);
  }
}

}  // namespace tocsin::net
