#include "agent/checks/hidden.hpp"

#include <set>
#include <utility>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

using Ports = std::set<std::pair<model::Protocol, std::uint16_t>>;

Ports ports_of(std::span<const os::Socket> sockets) {
  Ports ports;
  for (const os::Socket& socket : sockets) ports.emplace(socket.protocol, socket.local_port);
  return ports;
}

}  // namespace

void HiddenListeners::pass(std::span<const os::Socket> netlink_before,
                           std::span<const os::Socket> text,
                           std::span<const os::Socket> netlink_after) {
  const Ports before = ports_of(netlink_before);
  const Ports between = ports_of(text);
  const Ports after = ports_of(netlink_after);
  std::map<model::HiddenListener, int> next;
  const auto disagrees = [&](const model::HiddenListener& one) {
    if (next.size() == limits::kListeners) return;
    const auto known = seen_.find(one);
    next.emplace(one, known == seen_.end() ? 1 : known->second + 1);
  };
  for (const auto& port : before) {
    if (after.contains(port) && !between.contains(port)) {
      disagrees({port.first, port.second, true, false});
    }
  }
  for (const auto& port : between) {
    if (!before.contains(port) && !after.contains(port)) {
      disagrees({port.first, port.second, false, true});
    }
  }
  seen_ = std::move(next);
}

std::vector<model::HiddenListener> HiddenListeners::found() const {
  std::vector<model::HiddenListener> found;
  for (const auto& [one, passes] : seen_) {
    if (passes >= kPasses) found.push_back(one);
  }
  return found;
}

}  // namespace tocsin::agent
