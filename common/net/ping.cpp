#include "common/net/ping.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "common/net/gateway.hpp"
#include "common/net/neighbour.hpp"
#include "common/net/sweep.hpp"
#include "common/net/tcp_ping.hpp"

namespace tocsin::net {
namespace {

constexpr int kNeighbourQuestions = 2;
constexpr Duration kLongestGap = 400ms;
constexpr Duration kForNeighbour = 500ms;
constexpr Duration kForGateway = 750ms;
// What a look that hears nothing keeps before its deadline: one that runs into it has seen nothing.
constexpr Duration kReserve = 250ms;
constexpr SweepPace kPace{};
// Where one packet is to tell of many addresses whether they are there: how long an answer takes is
// learned from those that come, and the silent are asked twice. No answer is waited for less than
// 150 ms, which is what a busy machine makes of a millisecond.
constexpr SweepPace kRollCall{.shortest_wait = 150ms};
constexpr int kAgain = 1;
constexpr std::size_t kMany = 8;
// Answers that take longer show that there are slow ways: then the silent get a second, longer
// look.
constexpr Duration kSlow = 50ms;

std::uint32_t microseconds(Duration duration) {
  const std::int64_t us = duration.count() / 1000;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::uint32_t>::max()));
}

// Leaves time for the neighbours and the gateway.
Duration for_echo_and_tcp(Duration deadline) {
  return std::max(deadline - (kForNeighbour + kForGateway + kReserve), deadline / 2);
}

PingPlan plan_of(const model::CheckDefinition& check, const IpAddress& address) {
  PingPlan plan;
  plan.address = address;
  plan.packets = std::clamp(check.ping_packets, 1, kMostPackets);
  plan.tcp_port = std::clamp(check.ping_tcp_port, 0, 65535);
  const Duration available = for_echo_and_tcp(check.deadline);
  const Duration share = plan.tcp_port == 0 ? available : available / 2;
  plan.between = std::min(kLongestGap, share / (2 * plan.packets));
  return plan;
}

// Several packets to each measure the way; one to each of many only asks who is there.
bool is_roll_call(std::span<const model::CheckDefinition> checks) {
  return checks.size() >= kMany &&
         std::all_of(checks.begin(), checks.end(),
                     [](const model::CheckDefinition& check) { return check.ping_packets == 1; });
}

// Whether what was learned holds for those that did not answer.
bool may_be_slow(const std::vector<PingResult>& results) {
  const auto answered = [](const PingResult& one) { return one.received > 0; };
  const auto slow = [](const PingResult& one) { return one.received > 0 && one.longest > kSlow; };
  return std::none_of(results.begin(), results.end(), answered) ||
         std::any_of(results.begin(), results.end(), slow);
}

// One address on its way through the means.
struct Asked {
  std::size_t check = 0;
  PingPlan plan;
  std::optional<PingResult> result;
  std::optional<Error> error;  // where there is no result
  bool answered() const { return result && result->received > 0; }
};

class Look {
 public:
  Look(std::vector<Asked> asked, const time::TimeSource& time, std::stop_token stop)
      : asked_(std::move(asked)), time_(time), stop_(std::move(stop)) {}

  void by_echo(MonoTime deadline) { static_cast<void>(by_echo(deadline, kPace, 0)); }
  void by_roll_call(MonoTime deadline) {
    if (by_echo(deadline, kRollCall, kAgain)) static_cast<void>(by_echo(deadline, kPace, 0));
  }

  // ICMP that nobody answers may be filtered; a known port may still answer.
  void by_tcp(MonoTime deadline) {
    const std::vector<Asked*> all = unanswered(true);
    if (all.empty()) return;
    const auto results = ping_tcp(plans_of(all), deadline, time_, stop_);
    for (std::size_t i = 0; results && i < all.size(); ++i) {
      if ((*results)[i].sent > 0) all[i]->result = (*results)[i];
    }
  }

  // What filters everything else still has to say who has the address.
  void by_neighbour(MonoTime deadline) {
    const std::vector<Asked*> all = unanswered(false);
    if (all.empty()) return;
    const auto results =
        ping_neighbours(plans_of(all), kNeighbourQuestions, deadline, time_, stop_);
    for (std::size_t i = 0; results && i < all.size(); ++i) {
      if (all[i]->result && (*results)[i].received > 0) all[i]->result = (*results)[i];
    }
  }

  bool all_answered() {
    return std::all_of(asked_.begin(), asked_.end(),
                       [](const Asked& one) { return one.answered(); });
  }
  const std::vector<Asked>& asked() const { return asked_; }

 private:
  // True where a longer look may find more.
  bool by_echo(MonoTime deadline, const SweepPace& pace, int again) {
    const std::vector<Asked*> all = unanswered(false);
    std::vector<PingPlan> plans = plans_of(all);
    for (PingPlan& plan : plans) plan.again = again;
    const auto results = sweep(plans, pace, deadline, time_, stop_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!results) {
        all[i]->error = results.error();
      } else if ((*results)[i].sent > 0) {
        take(*all[i], (*results)[i]);
      } else if (!all[i]->result) {
        all[i]->error = not_sent(*all[i], (*results)[i].send_error);
      }
    }
    return results && may_be_slow(*results);
  }

  // Of a second look, what the first one sent counts too.
  static void take(Asked& one, PingResult result) {
    if (one.result) {
      result.sent += one.result->sent;
      result.unreachable += one.result->unreachable;
    }
    one.result = result;
  }

  std::vector<Asked*> unanswered(bool with_port) {
    std::vector<Asked*> some;
    for (Asked& one : asked_) {
      if (!one.answered() && (!with_port || one.plan.tcp_port != 0)) some.push_back(&one);
    }
    return some;
  }

  static std::vector<PingPlan> plans_of(const std::vector<Asked*>& some) {
    std::vector<PingPlan> plans;
    for (const Asked* one : some) plans.push_back(one->plan);
    return plans;
  }

  static Error not_sent(const Asked& one, int error) {
    if (error != 0) return system_error("ping " + to_string(one.plan.address), error);
    return {ErrorCode::deadline_exceeded,
            "no time was left to ping " + to_string(one.plan.address)};
  }

  std::vector<Asked> asked_;
  const time::TimeSource& time_;
  std::stop_token stop_;
};

// What an address that does not answer says depends on how this machine stands itself.
void add_own_sight(model::PingFacts& facts, const IpAddress& address, const Gateways& gateways) {
  const GatewaySight& own = gateways.of(address.v6);
  facts.gateway_reachable = own.reachable;
  facts.gateway = own.address;
  // Where there is no gateway the cable is what tells.
  if (!gateways.any()) facts.on_link = lan_of(address).has_value();
}

Duration shortest_deadline(std::span<const model::CheckDefinition> checks) {
  Duration shortest = Duration::max();
  for (const model::CheckDefinition& check : checks) shortest = std::min(shortest, check.deadline);
  return shortest;
}

}  // namespace

model::PingFacts ping_facts(const IpAddress& address, const PingResult& result) {
  TOCSIN_CHECK(result.received <= result.sent);
  model::PingFacts facts;
  facts.address = to_string(address);
  facts.method = result.method;
  facts.sent = result.sent;
  facts.received = result.received;
  facts.unreachable = result.unreachable;
  if (result.received == 0) return facts;
  facts.rtt_min_us = microseconds(result.shortest);
  facts.rtt_max_us = microseconds(result.longest);
  facts.rtt_avg_us = microseconds(result.sum / static_cast<std::int64_t>(result.received));
  return facts;
}

std::vector<Result<model::PingFacts>> look_by_ping(std::span<const model::CheckDefinition> checks,
                                                   const std::string& root,
                                                   const time::TimeSource& time,
                                                   std::stop_token stop) {
  std::vector<Result<model::PingFacts>> seen;
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const std::string& target = checks[i].check.target;
    seen.push_back(fail(ErrorCode::invalid_argument, "not an address: " + target));
    if (const auto address = parse_ip(target))
      asked.push_back({i, plan_of(checks[i], *address), {}, {}});
  }
  if (asked.empty()) return seen;
  const MonoTime started = time.steady();
  const Duration shortest = shortest_deadline(checks);
  const MonoTime available = started + for_echo_and_tcp(shortest);
  const MonoTime end = started + (shortest - std::min(kReserve, shortest / 4));
  Gateways gateways(root, time, stop);
  gateways.prime();
  Look look(std::move(asked), time, stop);
  if (is_roll_call(checks)) {
    look.by_roll_call(available);
  } else {
    look.by_echo(available);
  }
  look.by_tcp(available);
  look.by_neighbour(std::min(time.steady() + kForNeighbour, end));
  if (!look.all_answered()) gateways.look(end);
  for (const Asked& one : look.asked()) {
    if (stop.stop_requested()) {
      seen[one.check] = fail(ErrorCode::deadline_exceeded, "ping was stopped");
    } else if (one.result) {
      seen[one.check] = ping_facts(one.plan.address, *one.result);
      if (!one.answered()) add_own_sight(*seen[one.check], one.plan.address, gateways);
    } else {
      seen[one.check] = fail(*one.error);
    }
  }
  return seen;
}

}  // namespace tocsin::net
