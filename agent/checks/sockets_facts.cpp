#include "agent/checks/sockets_facts.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

using ListenerKey = std::tuple<std::string, model::Protocol, std::uint16_t, net::IpAddress,
                               std::string, std::uint32_t, std::string>;

model::Listener listener_from(const SeenListener& seen, const SocketOwner& owner) {
  model::Listener listener;
  listener.protocol = seen.socket.protocol;
  listener.address_class = net::classify(seen.socket.local);
  listener.address = net::to_string(seen.socket.local);
  listener.port = seen.socket.local_port;
  listener.executable = clean_text(owner.executable, limits::kPath);
  listener.executable_deleted = owner.deleted;
  listener.executable_world_writable = owner.world_writable;
  listener.uid = seen.socket.uid;
  listener.user = clean_text(seen.user, limits::kName);
  listener.unit = clean_text(owner.unit, limits::kName);
  listener.file = owner.file;
  listener.network_namespace = clean_text(seen.network_namespace, limits::kName);
  return listener;
}

// Of two answers the one that is worse for the host, then the one that knows.
model::Tristate worse(model::Tristate a, model::Tristate b) {
  if (a == model::Tristate::yes || b == model::Tristate::yes) return model::Tristate::yes;
  return a == model::Tristate::unknown ? b : a;
}

void merge(model::Listener& into, const SocketOwner& owner) {
  into.executable_deleted = worse(into.executable_deleted, owner.deleted);
  into.executable_world_writable = worse(into.executable_world_writable, owner.world_writable);
  // Of several the one that no package vouches for.
  if (owner.file.intact == model::Tristate::no || into.file == model::ProgramFile{}) {
    into.file = owner.file;
  }
  if (owner.process_id != 0) into.process_ids.push_back(owner.process_id);
}

void finish(model::Listener& listener) {
  std::sort(listener.process_ids.begin(), listener.process_ids.end());
  const auto last = std::unique(listener.process_ids.begin(), listener.process_ids.end());
  listener.process_ids.erase(last, listener.process_ids.end());
  if (listener.process_ids.size() > limits::kProcessIds) {
    listener.process_ids.resize(limits::kProcessIds);
  }
}

void add_listeners(std::span<const SeenListener> seen, model::SocketsFacts& facts) {
  std::map<ListenerKey, model::Listener> by_key;
  const std::vector<SocketOwner> nobody(1);
  for (const SeenListener& one : seen) {
    if (one.owners.empty()) ++facts.owners_unknown;
    for (const SocketOwner& owner : one.owners.empty() ? nobody : one.owners) {
      model::Listener listener = listener_from(one, owner);
      ListenerKey key{
          listener.network_namespace, listener.protocol, listener.port, one.socket.local,
          listener.executable,        listener.uid,      listener.unit};
      merge(by_key.try_emplace(std::move(key), std::move(listener)).first->second, owner);
    }
  }
  for (auto& [key, listener] : by_key) {
    if (facts.listeners.size() == limits::kListeners) {
      ++facts.listeners_over_limit;
      continue;
    }
    finish(listener);
    facts.listeners.push_back(std::move(listener));
  }
}

}  // namespace

model::SocketsFacts sockets_facts(std::span<const SeenListener> listeners, const PeerBook& peers) {
  model::SocketsFacts facts;
  add_listeners(listeners, facts);
  peers.put(facts);
  return facts;
}

PeerBook::Services services_of(std::span<const os::Socket> listening) {
  PeerBook::Services services;
  for (const os::Socket& socket : listening) services.emplace(socket.protocol, socket.local_port);
  return services;
}

ExecutableLink parse_executable_link(const std::string& link) {
  constexpr std::string_view kMark = " (deleted)";
  if (!link.ends_with(kMark)) return {link, false};
  return {link.substr(0, link.size() - kMark.size()), true};
}

}  // namespace tocsin::agent
