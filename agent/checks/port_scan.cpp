#include "agent/checks/port_scan.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <poll.h>

#include "agent/checks/observation.hpp"
#include "agent/checks/port_scan_facts.hpp"
#include "agent/checks/probe_targets.hpp"
#include "common/model/ports.hpp"
#include "common/net/tcp.hpp"

namespace tocsin::agent {
namespace {

constexpr const char* kUsualPorts = "1-1024";
constexpr std::size_t kAtOnce = 64;
constexpr Duration kBetween = 2ms;      // 500 a second
constexpr Duration kOneAnswer = 1s;     // longer: filtered
constexpr Duration kForReport = 100ms;  // of the deadline

PortState state_of(int error) {
  if (error == 0) return PortState::open;
  return error == ECONNREFUSED ? PortState::closed : PortState::filtered;
}

class Scan {
 public:
  Scan(const net::IpAddress& address, const std::vector<std::uint16_t>& ports,
       const CheckContext& context, MonoTime until)
      : address_(address), ports_(ports), context_(context), until_(until) {}

  std::vector<TriedPort> run() {
    next_ = context_.time.steady();
    while (started_ < ports_.size() || !waiting_.empty()) {
      const MonoTime now = context_.time.steady();
      if (now >= until_ || context_.stop.stop_requested()) break;
      give_up(now);
      while (may_start(now)) start(now);
      listen(now);
    }
    return std::move(tried_);
  }

 private:
  struct Waiting {
    std::uint16_t port;
    net::Fd fd;
    MonoTime since;
  };

  bool may_start(MonoTime now) const {
    return started_ < ports_.size() && waiting_.size() < kAtOnce && now >= next_;
  }

  void start(MonoTime now) {
    const std::uint16_t port = ports_[started_++];
    net::Connecting connecting = net::begin_connect(address_, port);
    next_ = next_ + kBetween;
    if (connecting.error == EINPROGRESS) {
      waiting_.push_back({port, std::move(connecting.fd), now});
    } else {
      tried_.push_back({port, state_of(connecting.error)});
    }
  }

  void give_up(MonoTime now) {
    std::erase_if(waiting_, [&](const Waiting& one) {
      if (now - one.since < kOneAnswer) return false;
      tried_.push_back({one.port, PortState::filtered});
      return true;
    });
  }

  void listen(MonoTime now) {
    std::vector<pollfd> sockets;
    for (const Waiting& one : waiting_) sockets.push_back({one.fd.get(), POLLOUT, 0});
    const bool more = started_ < ports_.size() && waiting_.size() < kAtOnce;
    const Duration pause = more ? std::clamp<Duration>(next_ - now, 0s, 50ms) : Duration(50ms);
    ::poll(sockets.data(), sockets.size(), static_cast<int>(pause.count() / 1'000'000) + 1);
    std::size_t i = 0;
    std::erase_if(waiting_, [&](const Waiting& one) {
      if (sockets[i++].revents == 0) return false;
      tried_.push_back({one.port, state_of(net::connect_error(one.fd))});
      return true;
    });
  }

  const net::IpAddress& address_;
  const std::vector<std::uint16_t>& ports_;
  const CheckContext& context_;
  const MonoTime until_;
  MonoTime next_;
  std::size_t started_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<TriedPort> tried_;
};

}  // namespace

model::Observation observe_port_scan(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const std::string& target = check.check.target;
  const auto address = net::parse_ip(target);
  const auto ports = model::parse_ports(check.ports.empty() ? kUsualPorts : check.ports);
  if (!address || !ports) {
    return run.unseen(Error{ErrorCode::invalid_argument, "not an address or no ports: " + target});
  }
  if (!may_probe(context.settings, target)) {
    return run.unseen(model::Outcome::not_permitted, {"probe.not_allowed", {{"address", target}}});
  }
  Scan scan(*address, *ports, context, run.deadline() + -kForReport);
  return run.seen(port_scan_facts(net::to_string(*address), scan.run(), ports->size()));
}

}  // namespace tocsin::agent
