// Sockets and processes.
#include <algorithm>

#include "common/wire/facts.hpp"

namespace tocsin::wire {

namespace {

// Absent where nothing is known, so that what an earlier version wrote stays the same.
template <class Proto>
void put_file(const model::ProgramFile& from, Proto& to) {
  if (from == model::ProgramFile{}) return;
  v1::ProgramFile& out = *to.mutable_file();
  out.set_package(from.package);
  out.set_intact(wire::to(from.intact));
  out.set_sha256(from.sha256);
}
model::ProgramFile take_file(const v1::ProgramFile& from) {
  return {name_text(from.package()), wire::from(from.intact()), clean_text(from.sha256(), 64)};
}

void put_listener(const model::Listener& from, v1::Listener& to) {
  to.set_protocol(static_cast<v1::Protocol>(from.protocol));
  to.set_address_class(static_cast<v1::AddressClass>(from.address_class));
  to.set_address(from.address);
  to.set_port(from.port);
  to.set_executable(from.executable);
  to.set_executable_deleted(wire::to(from.executable_deleted));
  to.set_executable_world_writable(wire::to(from.executable_world_writable));
  to.set_uid(from.uid);
  to.set_user(from.user);
  to.set_unit(from.unit);
  for (const std::uint32_t pid : from.process_ids) to.add_process_ids(pid);
  to.set_network_namespace(from.network_namespace);
  put_file(from.file, to);
}

Result<model::Listener> take_listener(const v1::Listener& from) {
  model::Listener listener;
  TOCSIN_WIRE_SET(listener.protocol, wire::from(from.protocol()));
  if (from.address_class() < v1::ADDRESS_CLASS_ANY ||
      from.address_class() > v1::ADDRESS_CLASS_PUBLIC) {
    return out_of_range("listener.address_class", static_cast<std::uint64_t>(from.address_class()));
  }
  listener.address_class = static_cast<model::AddressClass>(from.address_class());
  listener.address = name_text(from.address());
  TOCSIN_WIRE_SET(listener.port, port("listener.port", from.port()));
  listener.executable = path_text(from.executable());
  listener.executable_deleted = wire::from(from.executable_deleted());
  listener.executable_world_writable = wire::from(from.executable_world_writable());
  listener.uid = from.uid();
  listener.user = name_text(from.user());
  listener.unit = name_text(from.unit());
  TOCSIN_TRY(check_count("listener.process_ids", static_cast<std::size_t>(from.process_ids_size()),
                         limits::kProcessIds));
  listener.process_ids.assign(from.process_ids().begin(), from.process_ids().end());
  listener.network_namespace = name_text(from.network_namespace());
  listener.file = take_file(from.file());
  return listener;
}

}  // namespace

void put(const model::SocketsFacts& from, v1::SocketsFacts& to) {
  for (const model::Listener& listener : from.listeners)
    put_listener(listener, *to.add_listeners());
  for (const model::PeerAggregate& peer : from.peers) {
    v1::PeerAggregate& out = *to.add_peers();
    out.set_protocol(static_cast<v1::Protocol>(peer.protocol));
    out.set_local_port(peer.local_port);
    out.set_inbound(peer.inbound);
    out.set_remote_prefix(peer.remote_prefix);
    out.set_remote_port(peer.remote_port);
    out.set_count(peer.count);
    out.set_first_ns(peer.first.ns);
    out.set_last_ns(peer.last.ns);
  }
  to.set_listeners_over_limit(from.listeners_over_limit);
  to.set_peers_over_limit(from.peers_over_limit);
  to.set_owners_unknown(from.owners_unknown);
  to.set_source_events(from.source_events);
  to.set_source_event_overflows(from.source_event_overflows);
  to.set_namespaces(from.namespaces);
  to.set_namespaces_not_seen(from.namespaces_not_seen);
  for (const model::HiddenListener& hidden : from.hidden) {
    v1::HiddenListener& out = *to.add_hidden();
    out.set_protocol(static_cast<v1::Protocol>(hidden.protocol));
    out.set_port(hidden.port);
    out.set_by_netlink(hidden.by_netlink);
    out.set_by_text(hidden.by_text);
    out.set_by_bind(hidden.by_bind);
  }
  to.set_taken_unlisted(from.taken_unlisted);
  to.set_ports_tried_from(from.ports_tried_from);
  to.set_sources_not_exact(from.sources_not_exact);
}

Result<model::SocketsFacts> take(const v1::SocketsFacts& from) {
  TOCSIN_TRY(check_count("sockets.listeners", static_cast<std::size_t>(from.listeners_size()),
                         limits::kListeners));
  TOCSIN_TRY(
      check_count("sockets.peers", static_cast<std::size_t>(from.peers_size()), limits::kPeers));
  model::SocketsFacts facts;
  facts.listeners.reserve(static_cast<std::size_t>(from.listeners_size()));
  for (const v1::Listener& listener : from.listeners()) {
    TOCSIN_WIRE_SET(facts.listeners.emplace_back(), take_listener(listener));
  }
  for (const v1::PeerAggregate& peer : from.peers()) {
    model::PeerAggregate& out = facts.peers.emplace_back();
    TOCSIN_WIRE_SET(out.protocol, wire::from(peer.protocol()));
    TOCSIN_WIRE_SET(out.local_port, port("peer.local_port", peer.local_port()));
    out.inbound = peer.inbound();
    out.remote_prefix = name_text(peer.remote_prefix());
    TOCSIN_WIRE_SET(out.remote_port, port("peer.remote_port", peer.remote_port()));
    out.count = peer.count();
    out.first = Instant{peer.first_ns()};
    out.last = Instant{peer.last_ns()};
  }
  facts.listeners_over_limit = from.listeners_over_limit();
  facts.peers_over_limit = from.peers_over_limit();
  facts.owners_unknown = from.owners_unknown();
  facts.source_events = from.source_events();
  facts.source_event_overflows = from.source_event_overflows();
  facts.namespaces = from.namespaces();
  facts.namespaces_not_seen = from.namespaces_not_seen();
  TOCSIN_TRY(check_count("sockets.hidden", static_cast<std::size_t>(from.hidden_size()),
                         limits::kListeners));
  for (const v1::HiddenListener& hidden : from.hidden()) {
    model::HiddenListener& out = facts.hidden.emplace_back();
    TOCSIN_WIRE_SET(out.protocol, wire::from(hidden.protocol()));
    TOCSIN_WIRE_SET(out.port, port("hidden.port", hidden.port()));
    out.by_netlink = hidden.by_netlink();
    out.by_text = hidden.by_text();
    out.by_bind = hidden.by_bind();
  }
  facts.taken_unlisted = from.taken_unlisted();
  facts.ports_tried_from = std::min(from.ports_tried_from(), model::kNoPortTried);
  facts.sources_not_exact = from.sources_not_exact();
  return facts;
}

void put(const model::ProcessesFacts& from, v1::ProcessesFacts& to) {
  for (const model::ProcessGroup& group : from.groups) {
    v1::ProcessGroup& out = *to.add_groups();
    out.set_name(group.name);
    out.set_executable(group.executable);
    out.set_uid(group.uid);
    out.set_user(group.user);
    out.set_unit(group.unit);
    out.set_count(group.count);
    out.set_kernel_thread(group.kernel_thread);
    out.set_executable_deleted(wire::to(group.executable_deleted));
    out.set_memory_only(wire::to(group.memory_only));
    out.set_executable_world_writable(wire::to(group.executable_world_writable));
    out.set_imitates_kernel_thread(group.imitates_kernel_thread);
    out.set_preload(wire::to(group.preload));
    out.set_example_pid(group.example_pid);
    out.set_packaged(wire::to(group.packaged));
    put_file(group.file, out);
  }
  to.set_processes(from.processes);
  to.set_groups_over_limit(from.groups_over_limit);
  to.set_vanished(from.vanished);
  to.set_not_permitted(from.not_permitted);
  to.set_preload_file(from.preload_file);
  for (const std::uint32_t id : from.hidden) to.add_hidden(id);
  to.set_hidden_over_limit(from.hidden_over_limit);
  to.set_hidden_searched(wire::to(from.hidden_searched));
  for (const model::UnitEntry& unit : from.units) {
    v1::UnitEntry& out = *to.add_units();
    out.set_unit(unit.unit);
    out.set_active(unit.active);
    out.set_enabled(unit.enabled);
    out.set_packaged(wire::to(unit.packaged));
  }
  to.set_units_over_limit(from.units_over_limit);
  to.set_units_known(wire::to(from.units_known));
}

Result<model::ProcessesFacts> take(const v1::ProcessesFacts& from) {
  TOCSIN_TRY(check_count("processes.groups", static_cast<std::size_t>(from.groups_size()),
                         limits::kProcessGroups));
  model::ProcessesFacts facts;
  facts.groups.reserve(static_cast<std::size_t>(from.groups_size()));
  for (const v1::ProcessGroup& group : from.groups()) {
    model::ProcessGroup& out = facts.groups.emplace_back();
    out.name = name_text(group.name());
    out.executable = path_text(group.executable());
    out.uid = group.uid();
    out.user = name_text(group.user());
    out.unit = name_text(group.unit());
    out.count = group.count();
    out.kernel_thread = group.kernel_thread();
    out.executable_deleted = wire::from(group.executable_deleted());
    out.memory_only = wire::from(group.memory_only());
    out.executable_world_writable = wire::from(group.executable_world_writable());
    out.imitates_kernel_thread = group.imitates_kernel_thread();
    out.preload = wire::from(group.preload());
    out.example_pid = group.example_pid();
    out.packaged = wire::from(group.packaged());
    out.file = take_file(group.file());
  }
  facts.processes = from.processes();
  facts.groups_over_limit = from.groups_over_limit();
  facts.vanished = from.vanished();
  facts.not_permitted = from.not_permitted();
  facts.preload_file = from.preload_file();
  TOCSIN_TRY(check_count("processes.hidden", static_cast<std::size_t>(from.hidden_size()),
                         limits::kHiddenProcesses));
  facts.hidden.assign(from.hidden().begin(), from.hidden().end());
  facts.hidden_over_limit = from.hidden_over_limit();
  facts.hidden_searched = wire::from(from.hidden_searched());
  TOCSIN_TRY(
      check_count("processes.units", static_cast<std::size_t>(from.units_size()), limits::kUnits));
  for (const v1::UnitEntry& unit : from.units()) {
    facts.units.push_back(
        {name_text(unit.unit()), unit.active(), unit.enabled(), wire::from(unit.packaged())});
  }
  facts.units_over_limit = from.units_over_limit();
  facts.units_known = wire::from(from.units_known());
  return facts;
}

}  // namespace tocsin::wire
