// Checks, observations, facts and what goes down to an agent.
#include <algorithm>

#include "common/wire/proto.hpp"
#include "common/wire/text.hpp"

namespace tocsin::wire {
namespace {

v1::Tristate to(model::Tristate value) { return static_cast<v1::Tristate>(value); }
model::Tristate from(v1::Tristate value) {
  return value == v1::TRISTATE_YES  ? model::Tristate::yes
         : value == v1::TRISTATE_NO ? model::Tristate::no
                                    : model::Tristate::unknown;
}

Result<model::Protocol> from(v1::Protocol value) {
  if (value == v1::PROTOCOL_TCP) return model::Protocol::tcp;
  if (value == v1::PROTOCOL_UDP) return model::Protocol::udp;
  return out_of_range("protocol", static_cast<std::uint64_t>(value));
}

Result<std::uint16_t> port(std::string_view what, std::uint32_t value) {
  if (value > 65535) return out_of_range(what, value);
  return static_cast<std::uint16_t>(value);
}

void put(const model::PingFacts& from, v1::PingFacts& to) {
  to.set_address(from.address);
  to.set_method(static_cast<v1::PingMethod>(from.method));
  to.set_sent(from.sent);
  to.set_received(from.received);
  to.set_rtt_min_us(from.rtt_min_us);
  to.set_rtt_avg_us(from.rtt_avg_us);
  to.set_rtt_max_us(from.rtt_max_us);
  to.set_unreachable(from.unreachable);
  to.set_gateway_reachable(wire::to(from.gateway_reachable));
}

Result<model::PingFacts> take(const v1::PingFacts& from) {
  if (from.method() < v1::PING_METHOD_ICMP_DATAGRAM || from.method() > v1::PING_METHOD_TCP) {
    return out_of_range("ping.method", static_cast<std::uint64_t>(from.method()));
  }
  if (from.received() > from.sent()) return out_of_range("ping.received", from.received());
  model::PingFacts facts;
  facts.address = name_text(from.address());
  facts.method = static_cast<model::PingMethod>(from.method());
  facts.sent = from.sent();
  facts.received = from.received();
  facts.rtt_min_us = from.rtt_min_us();
  facts.rtt_avg_us = from.rtt_avg_us();
  facts.rtt_max_us = from.rtt_max_us();
  facts.unreachable = from.unreachable();
  facts.gateway_reachable = wire::from(from.gateway_reachable());
  return facts;
}

void put(const model::ServiceFacts& from, v1::ServiceFacts& to) {
  to.set_unit(from.unit);
  to.set_load_state(from.load_state);
  to.set_active_state(from.active_state);
  to.set_sub_state(from.sub_state);
  to.set_result(from.result);
  to.set_restarts(from.restarts);
  to.set_main_pid(from.main_pid);
  to.set_exit_status(from.exit_status);
  to.set_state_since_ns(from.state_since.ns);
  to.set_one_shot(from.one_shot);
}

Result<model::ServiceFacts> take(const v1::ServiceFacts& from) {
  model::ServiceFacts facts;
  facts.unit = name_text(from.unit());
  facts.load_state = name_text(from.load_state());
  facts.active_state = name_text(from.active_state());
  facts.sub_state = name_text(from.sub_state());
  facts.result = name_text(from.result());
  facts.restarts = from.restarts();
  facts.main_pid = from.main_pid();
  facts.exit_status = from.exit_status();
  facts.state_since = Instant{from.state_since_ns()};
  facts.one_shot = from.one_shot();
  return facts;
}

void put(const model::AuditLogFacts& from, v1::AuditLogFacts& to) {
  to.set_source(from.source);
  to.set_present(wire::to(from.present));
  to.set_readable(wire::to(from.readable));
  to.set_size_bytes(from.size_bytes);
  to.set_device(from.device);
  to.set_inode(from.inode);
  to.set_modified_ns(from.modified.ns);
  to.set_records_seen(from.records_seen);
  to.set_auditing_was_on(from.auditing_was_on);
  to.set_auditing_on(wire::to(from.auditing_on));
  to.set_replaced(from.replaced);
  to.set_shrunk(from.shrunk);
  to.set_rotated_sibling(from.rotated_sibling);
  to.set_head_changed(from.head_changed);
  to.set_zeroed(from.zeroed);
  to.set_sequence_gap(from.sequence_gap);
  to.set_disk_full(wire::to(from.disk_full));
  to.set_previous_size_bytes(from.previous_size_bytes);
  to.set_boot_id(from.boot_id);
  to.set_new_boot(from.new_boot);
}

Result<model::AuditLogFacts> take(const v1::AuditLogFacts& from) {
  model::AuditLogFacts facts;
  facts.source = path_text(from.source());
  facts.present = wire::from(from.present());
  facts.readable = wire::from(from.readable());
  facts.size_bytes = from.size_bytes();
  facts.device = from.device();
  facts.inode = from.inode();
  facts.modified = Instant{from.modified_ns()};
  facts.records_seen = from.records_seen();
  facts.auditing_was_on = from.auditing_was_on();
  facts.auditing_on = wire::from(from.auditing_on());
  facts.replaced = from.replaced();
  facts.shrunk = from.shrunk();
  facts.rotated_sibling = from.rotated_sibling();
  facts.head_changed = from.head_changed();
  facts.zeroed = from.zeroed();
  facts.sequence_gap = from.sequence_gap();
  facts.disk_full = wire::from(from.disk_full());
  facts.previous_size_bytes = from.previous_size_bytes();
  facts.boot_id = name_text(from.boot_id());
  facts.new_boot = from.new_boot();
  return facts;
}

void put(const model::Listener& from, v1::Listener& to) {
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
}

Result<model::Listener> take(const v1::Listener& from) {
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
  return listener;
}

void put(const model::SocketsFacts& from, v1::SocketsFacts& to) {
  for (const model::Listener& listener : from.listeners) put(listener, *to.add_listeners());
  for (const model::PeerAggregate& peer : from.peers) {
    v1::PeerAggregate& out = *to.add_peers();
    out.set_protocol(static_cast<v1::Protocol>(peer.protocol));
    out.set_local_port(peer.local_port);
    out.set_inbound(peer.inbound);
    out.set_remote_prefix(peer.remote_prefix);
    out.set_remote_port(peer.remote_port);
    out.set_count(peer.count);
  }
  to.set_listeners_over_limit(from.listeners_over_limit);
  to.set_peers_over_limit(from.peers_over_limit);
  to.set_owners_unknown(from.owners_unknown);
}

Result<model::SocketsFacts> take(const v1::SocketsFacts& from) {
  TOCSIN_TRY(check_count("sockets.listeners", static_cast<std::size_t>(from.listeners_size()),
                         limits::kListeners));
  TOCSIN_TRY(
      check_count("sockets.peers", static_cast<std::size_t>(from.peers_size()), limits::kPeers));
  model::SocketsFacts facts;
  facts.listeners.reserve(static_cast<std::size_t>(from.listeners_size()));
  for (const v1::Listener& listener : from.listeners()) {
    TOCSIN_WIRE_SET(facts.listeners.emplace_back(), take(listener));
  }
  for (const v1::PeerAggregate& peer : from.peers()) {
    model::PeerAggregate& out = facts.peers.emplace_back();
    TOCSIN_WIRE_SET(out.protocol, wire::from(peer.protocol()));
    TOCSIN_WIRE_SET(out.local_port, port("peer.local_port", peer.local_port()));
    out.inbound = peer.inbound();
    out.remote_prefix = name_text(peer.remote_prefix());
    TOCSIN_WIRE_SET(out.remote_port, port("peer.remote_port", peer.remote_port()));
    out.count = peer.count();
  }
  facts.listeners_over_limit = from.listeners_over_limit();
  facts.peers_over_limit = from.peers_over_limit();
  facts.owners_unknown = from.owners_unknown();
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
  }
  to.set_processes(from.processes);
  to.set_groups_over_limit(from.groups_over_limit);
  to.set_vanished(from.vanished);
  to.set_not_permitted(from.not_permitted);
  to.set_preload_file(from.preload_file);
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
  }
  facts.processes = from.processes();
  facts.groups_over_limit = from.groups_over_limit();
  facts.vanished = from.vanished();
  facts.not_permitted = from.not_permitted();
  facts.preload_file = from.preload_file();
  return facts;
}

Result<model::Facts> take_facts(const v1::Observation& from) {
  const auto wrapped = [](auto facts) -> Result<model::Facts> {
    if (!facts) return tl::unexpected(std::move(facts).error());
    return model::Facts(*std::move(facts));
  };
  switch (from.facts_case()) {
    case v1::Observation::kPing:
      return wrapped(take(from.ping()));
    case v1::Observation::kService:
      return wrapped(take(from.service()));
    case v1::Observation::kAuditLog:
      return wrapped(take(from.audit_log()));
    case v1::Observation::kSockets:
      return wrapped(take(from.sockets()));
    case v1::Observation::kProcesses:
      return wrapped(take(from.processes()));
    case v1::Observation::FACTS_NOT_SET:
      break;
  }
  return model::Facts(std::monostate{});
}

// The alternative of model::Facts that a check of this kind fills.
std::size_t facts_index(model::CheckKind kind) {
  switch (kind) {
    case model::CheckKind::ping:
      return 1;
    case model::CheckKind::service:
      return 2;
    case model::CheckKind::audit_log:
      return 3;
    case model::CheckKind::sockets:
      return 4;
    case model::CheckKind::processes:
      return 5;
  }
  return 0;
}

Duration milliseconds(std::uint64_t value) {
  constexpr std::uint64_t kMost = 1000ULL * 3600 * 24 * 366 * 10;  // Ten years: no overflow later.
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(value, kMost)));
}
std::uint64_t to_milliseconds(Duration value) {
  return value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count()) / 1'000'000;
}

}  // namespace

void to_proto(const model::Message& from, v1::Message& to) {
  to.set_code(from.code);
  for (const model::Parameter& parameter : from.parameters) {
    v1::Parameter& out = *to.add_parameters();
    out.set_name(parameter.name);
    out.set_value(parameter.value);
  }
}

Result<model::Message> from_proto(const v1::Message& from) {
  TOCSIN_TRY(check_count("message.parameters", static_cast<std::size_t>(from.parameters_size()),
                         limits::kParameters));
  model::Message message;
  message.code = name_text(from.code());
  for (const v1::Parameter& parameter : from.parameters()) {
    message.parameters.push_back({name_text(parameter.name()), value_text(parameter.value())});
  }
  return message;
}

void to_proto(const model::CheckRef& from, v1::CheckRef& to) {
  to.set_kind(static_cast<v1::CheckKind>(from.kind));
  to.set_target(from.target);
}

Result<model::CheckRef> from_proto(const v1::CheckRef& from) {
  if (from.kind() < v1::CHECK_KIND_PING || from.kind() > v1::CHECK_KIND_PROCESSES) {
    return out_of_range("check.kind", static_cast<std::uint64_t>(from.kind()));
  }
  return model::CheckRef{static_cast<model::CheckKind>(from.kind()), path_text(from.target())};
}

void to_proto(const model::CheckDefinition& from, v1::CheckDefinition& to) {
  to_proto(from.check, *to.mutable_check());
  to.set_interval_ms(static_cast<std::uint32_t>(to_milliseconds(from.interval)));
  to.set_deadline_ms(static_cast<std::uint32_t>(to_milliseconds(from.deadline)));
  to.set_ping_packets(static_cast<std::uint32_t>(from.ping_packets));
  to.set_ping_tcp_port(static_cast<std::uint32_t>(from.ping_tcp_port));
}

Result<model::CheckDefinition> from_proto(const v1::CheckDefinition& from) {
  model::CheckDefinition definition;
  TOCSIN_WIRE_SET(definition.check, from_proto(from.check()));
  if (from.interval_ms() == 0) return out_of_range("check.interval_ms", 0);
  if (from.deadline_ms() == 0) return out_of_range("check.deadline_ms", 0);
  if (from.ping_packets() > 100) return out_of_range("check.ping_packets", from.ping_packets());
  definition.interval = milliseconds(from.interval_ms());
  definition.deadline = milliseconds(from.deadline_ms());
  definition.ping_packets = static_cast<int>(from.ping_packets());
  TOCSIN_WIRE_SET(definition.ping_tcp_port, port("check.ping_tcp_port", from.ping_tcp_port()));
  return definition;
}

void to_proto(const model::Observation& from, v1::Observation& to) {
  to_proto(from.check, *to.mutable_check());
  to.set_outcome(static_cast<v1::ObservationOutcome>(from.outcome));
  if (!from.detail.code.empty()) to_proto(from.detail, *to.mutable_detail());
  to.set_wall_ns(from.at.ns);
  to.set_duration_us(from.took.count() < 0 ? 0
                                           : static_cast<std::uint64_t>(from.took.count()) / 1000);
  if (const auto* ping = std::get_if<model::PingFacts>(&from.facts)) put(*ping, *to.mutable_ping());
  if (const auto* service = std::get_if<model::ServiceFacts>(&from.facts)) {
    put(*service, *to.mutable_service());
  }
  if (const auto* audit = std::get_if<model::AuditLogFacts>(&from.facts)) {
    put(*audit, *to.mutable_audit_log());
  }
  if (const auto* sockets = std::get_if<model::SocketsFacts>(&from.facts)) {
    put(*sockets, *to.mutable_sockets());
  }
  if (const auto* processes = std::get_if<model::ProcessesFacts>(&from.facts)) {
    put(*processes, *to.mutable_processes());
  }
}

Result<model::Observation> from_proto(const v1::Observation& from) {
  model::Observation observation;
  TOCSIN_WIRE_SET(observation.check, from_proto(from.check()));
  if (from.outcome() < v1::OBSERVATION_OUTCOME_SEEN ||
      from.outcome() > v1::OBSERVATION_OUTCOME_NOT_APPLICABLE) {
    return out_of_range("observation.outcome", static_cast<std::uint64_t>(from.outcome()));
  }
  observation.outcome = static_cast<model::Outcome>(from.outcome());
  TOCSIN_WIRE_SET(observation.detail, from_proto(from.detail()));
  observation.at = Instant{from.wall_ns()};
  observation.took = std::chrono::microseconds(
      static_cast<std::int64_t>(std::min<std::uint64_t>(from.duration_us(), 1ULL << 50)));
  TOCSIN_WIRE_SET(observation.facts, take_facts(from));
  const std::size_t expected =
      observation.outcome == model::Outcome::seen ? facts_index(observation.check.kind) : 0;
  if (observation.facts.index() != expected) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("observation {}: its facts do not fit its kind and outcome '{}'",
                            to_string(observation.check), to_string(observation.outcome)));
  }
  return observation;
}

void to_proto(const model::Fact& from, v1::Fact& to) {
  to.set_boot_id(from.boot_id);
  to.set_monotonic_ns(from.monotonic.ns);
  to.set_wall_ns(from.wall.ns);
  to.set_priority(static_cast<v1::Priority>(from.priority));
  if (const auto* observation = std::get_if<model::Observation>(&from.body)) {
    to_proto(*observation, *to.mutable_observation());
  }
  if (const auto* result = std::get_if<model::RequestResult>(&from.body)) {
    v1::RequestResult& out = *to.mutable_request_result();
    out.set_request_id(result->request_id);
    out.set_outcome(static_cast<v1::RequestResult::Outcome>(result->outcome));
    to_proto(result->detail, *out.mutable_detail());
    for (const model::Observation& o : result->observations) to_proto(o, *out.add_observations());
  }
  if (const auto* loss = std::get_if<model::SpoolLoss>(&from.body)) {
    v1::SpoolLoss& out = *to.mutable_spool_loss();
    out.set_count(loss->count);
    out.set_from_wall_ns(loss->from.ns);
    out.set_to_wall_ns(loss->to.ns);
    to_proto(loss->cause, *out.mutable_cause());
  }
  if (const auto* event = std::get_if<model::AgentEvent>(&from.body)) {
    to_proto(event->event, *to.mutable_agent_event()->mutable_event());
  }
}

Result<model::Fact> from_proto(const v1::Fact& from) {
  model::Fact fact;
  fact.boot_id = name_text(from.boot_id());
  fact.monotonic = MonoTime{from.monotonic_ns()};
  fact.wall = Instant{from.wall_ns()};
  if (from.priority() < v1::PRIORITY_LOW || from.priority() > v1::PRIORITY_CRITICAL) {
    return out_of_range("fact.priority", static_cast<std::uint64_t>(from.priority()));
  }
  fact.priority = static_cast<model::Priority>(from.priority());
  switch (from.body_case()) {
    case v1::Fact::kObservation: {
      TOCSIN_WIRE_SET(fact.body, from_proto(from.observation()));
      break;
    }
    case v1::Fact::kRequestResult: {
      const v1::RequestResult& in = from.request_result();
      model::RequestResult result;
      result.request_id = name_text(in.request_id());
      if (in.outcome() < v1::RequestResult::OUTCOME_DONE ||
          in.outcome() > v1::RequestResult::OUTCOME_UNKNOWN) {
        return out_of_range("request_result.outcome", static_cast<std::uint64_t>(in.outcome()));
      }
      result.outcome = static_cast<model::RequestOutcome>(in.outcome());
      TOCSIN_WIRE_SET(result.detail, from_proto(in.detail()));
      TOCSIN_TRY(check_count("request_result.observations",
                             static_cast<std::size_t>(in.observations_size()), limits::kChecks));
      for (const v1::Observation& o : in.observations()) {
        TOCSIN_WIRE_SET(result.observations.emplace_back(), from_proto(o));
      }
      fact.body = std::move(result);
      break;
    }
    case v1::Fact::kSpoolLoss: {
      const v1::SpoolLoss& in = from.spool_loss();
      model::SpoolLoss loss{in.count(), Instant{in.from_wall_ns()}, Instant{in.to_wall_ns()}, {}};
      TOCSIN_WIRE_SET(loss.cause, from_proto(in.cause()));
      fact.body = std::move(loss);
      break;
    }
    case v1::Fact::kAgentEvent: {
      model::AgentEvent event;
      TOCSIN_WIRE_SET(event.event, from_proto(from.agent_event().event()));
      fact.body = std::move(event);
      break;
    }
    case v1::Fact::BODY_NOT_SET:
      break;  // Of a newer agent: kept as monostate.
  }
  return fact;
}

void to_proto(const model::Heartbeat& from, v1::Heartbeat& to) {
  to.set_wall_ns(from.wall.ns);
  for (const model::CheckState& state : from.checks) {
    v1::CheckState& out = *to.add_checks();
    to_proto(state.check, *out.mutable_check());
    out.set_last_run_age_ms(to_milliseconds(state.last_run_age));
    out.set_digest(state.digest);
    out.set_unchanged_ms(to_milliseconds(state.unchanged));
    out.set_interval_ms(to_milliseconds(state.interval));
    out.set_last_seq(state.last_seq.value);
  }
  to.set_spool_rows(from.spool_rows);
  to.set_spool_bytes(from.spool_bytes);
  to.set_oldest_unsent_age_ms(to_milliseconds(from.oldest_unsent_age));
  to.set_spool_full(from.spool_full);
}

Result<model::Heartbeat> from_proto(const v1::Heartbeat& from) {
  TOCSIN_TRY(check_count("heartbeat.checks", static_cast<std::size_t>(from.checks_size()),
                         limits::kChecks));
  model::Heartbeat heartbeat;
  heartbeat.wall = Instant{from.wall_ns()};
  for (const v1::CheckState& state : from.checks()) {
    model::CheckState& out = heartbeat.checks.emplace_back();
    TOCSIN_WIRE_SET(out.check, from_proto(state.check()));
    if (!state.digest().empty() && state.digest().size() != 32) {
      return out_of_range("heartbeat.digest size", state.digest().size());
    }
    out.last_run_age = milliseconds(state.last_run_age_ms());
    out.digest = state.digest();
    out.unchanged = milliseconds(state.unchanged_ms());
    out.interval = milliseconds(state.interval_ms());
    out.last_seq = Seq{state.last_seq()};
  }
  heartbeat.spool_rows = from.spool_rows();
  heartbeat.spool_bytes = from.spool_bytes();
  heartbeat.oldest_unsent_age = milliseconds(from.oldest_unsent_age_ms());
  heartbeat.spool_full = from.spool_full();
  return heartbeat;
}

void to_proto(const model::Request& from, v1::Request& to) {
  to.set_request_id(from.request_id);
  to.set_expires_in_ms(static_cast<std::uint32_t>(to_milliseconds(from.expires_in)));
  to_proto(from.run_check, *to.mutable_run_check());
}

Result<model::Request> from_proto(const v1::Request& from) {
  if (!from.has_run_check()) {
    return fail(ErrorCode::invalid_argument,
                "request: this version does not know the act it asks for");
  }
  model::Request request;
  request.request_id = name_text(from.request_id());
  if (request.request_id.empty()) return fail(ErrorCode::invalid_argument, "request: it has no id");
  request.expires_in = milliseconds(from.expires_in_ms());
  TOCSIN_WIRE_SET(request.run_check, from_proto(from.run_check()));
  return request;
}

}  // namespace tocsin::wire
