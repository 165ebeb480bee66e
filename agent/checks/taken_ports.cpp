#include "agent/checks/taken_ports.hpp"

#include <algorithm>
#include <set>

namespace tocsin::agent {
namespace {

using Port = std::pair<model::Protocol, std::uint16_t>;

constexpr std::uint16_t kPrivileged = 1024;
constexpr std::uint16_t kLastPort = 65535;

void add_ports(std::span<const os::Socket> sockets, std::set<Port>& ports) {
  for (const os::Socket& socket : sockets) ports.emplace(socket.protocol, socket.local_port);
}

}  // namespace

std::vector<Port> TakenPorts::candidates(std::span<const os::Socket> listening,
                                         std::span<const std::uint16_t> asked) {
  std::set<Port> listed;
  add_ports(listening, listed);
  std::set<Port> chosen;
  for (const auto& [port, suspect] : seen_) chosen.insert(port);
  for (const std::uint16_t port : asked) chosen.emplace(model::Protocol::tcp, port);
  for (std::size_t i = 0; i < kPortsALook; ++i) {
    next_ = std::max(next_, first_);
    chosen.emplace(model::Protocol::tcp, next_);
    chosen.emplace(model::Protocol::udp, next_);
    next_ = next_ == kLastPort ? first_ : static_cast<std::uint16_t>(next_ + 1);
  }
  std::vector<Port> candidates;
  std::set_difference(chosen.begin(), chosen.end(), listed.begin(), listed.end(),
                      std::back_inserter(candidates));
  return candidates;
}

Status TakenPorts::look(std::span<const os::Socket> listening, std::span<const std::uint16_t> asked,
                        bool bound_is_listed, const PortWays& ways) {
  first_ = privileged_refused_ ? std::max(ways.first, kPrivileged) : ways.first;
  std::vector<Port> taken;
  for (const Port& port : candidates(listening, asked)) {
    const os::BindTrial trial = ways.try_bind(port.first, port.second);
    const bool ours = port.second >= first_ && port.second < kPrivileged;
    if (ours && trial == os::BindTrial::not_permitted) privileged_refused_ = true;
    if (trial == os::BindTrial::taken && taken.size() < kSuspects) taken.push_back(port);
  }
  std::map<Port, Suspect> next;
  if (!taken.empty()) {
    std::vector<os::Socket> sockets;
    std::set<Port> listed;
    TOCSIN_TRY(ways.list_all(sockets));
    add_ports(sockets, listed);
    std::erase_if(taken, [&](const Port& port) {
      return ways.try_bind(port.first, port.second) != os::BindTrial::taken;
    });
    TOCSIN_TRY(ways.list_all(sockets));
    add_ports(sockets, listed);
    for (const Port& port : taken) {
      if (listed.contains(port)) continue;
      const auto known = seen_.find(port);
      const int passes = known == seen_.end() ? 0 : known->second.passes;
      // Of UDP every bound socket is listed, by every kernel.
      const bool may_be_bound = port.first == model::Protocol::tcp && !bound_is_listed;
      next[port] = {std::min(passes + 1, kPasses), may_be_bound};
    }
  }
  seen_ = std::move(next);
  return {};
}

std::vector<model::HiddenListener> TakenPorts::found() const {
  std::vector<model::HiddenListener> found;
  for (const auto& [port, suspect] : seen_) {
    if (suspect.passes < kPasses || suspect.may_be_bound) continue;
    found.push_back({port.first, port.second, false, false, true});
  }
  return found;
}

std::uint32_t TakenPorts::unexplained() const {
  return static_cast<std::uint32_t>(
      std::count_if(seen_.begin(), seen_.end(), [](const auto& entry) {
        return entry.second.passes >= kPasses && entry.second.may_be_bound;
      }));
}

}  // namespace tocsin::agent
