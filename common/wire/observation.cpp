// Checks, observations, facts and what goes down to an agent.
#include <algorithm>

#include "common/wire/facts.hpp"

namespace tocsin::wire {
namespace {

// Fills the alternative of the message that fits.
void put_facts(const model::Facts& facts, v1::Observation& to) {
  if (const auto* ping = std::get_if<model::PingFacts>(&facts)) {
    put(*ping, *to.mutable_ping());
  }
  if (const auto* service = std::get_if<model::ServiceFacts>(&facts)) {
    put(*service, *to.mutable_service());
  }
  if (const auto* audit_log = std::get_if<model::AuditLogFacts>(&facts)) {
    put(*audit_log, *to.mutable_audit_log());
  }
  if (const auto* sockets = std::get_if<model::SocketsFacts>(&facts)) {
    put(*sockets, *to.mutable_sockets());
  }
  if (const auto* processes = std::get_if<model::ProcessesFacts>(&facts)) {
    put(*processes, *to.mutable_processes());
  }
  if (const auto* login = std::get_if<model::LoginFacts>(&facts)) {
    put(*login, *to.mutable_login());
  }
  if (const auto* warnings = std::get_if<model::WarningsFacts>(&facts)) {
    put(*warnings, *to.mutable_warnings());
  }
  if (const auto* port_scan = std::get_if<model::PortScanFacts>(&facts)) {
    put(*port_scan, *to.mutable_port_scan());
  }
  if (const auto* answer = std::get_if<model::AnswerFacts>(&facts)) {
    put(*answer, *to.mutable_answer());
  }
  if (const auto* antivirus = std::get_if<model::AntivirusFacts>(&facts)) {
    put(*antivirus, *to.mutable_antivirus());
  }
  if (const auto* backup_job = std::get_if<model::BackupJobFacts>(&facts)) {
    put(*backup_job, *to.mutable_backup_job());
  }
  if (const auto* metrics = std::get_if<model::MetricsFacts>(&facts)) {
    put(*metrics, *to.mutable_metrics());
  }
  if (const auto* plugin = std::get_if<model::PluginFacts>(&facts)) {
    put(*plugin, *to.mutable_plugin());
  }
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
    case v1::Observation::kLogin:
      return wrapped(take(from.login()));
    case v1::Observation::kWarnings:
      return wrapped(take(from.warnings()));
    case v1::Observation::kPortScan:
      return wrapped(take(from.port_scan()));
    case v1::Observation::kAnswer:
      return wrapped(take(from.answer()));
    case v1::Observation::kAntivirus:
      return wrapped(take(from.antivirus()));
    case v1::Observation::kBackupJob:
      return wrapped(take(from.backup_job()));
    case v1::Observation::kMetrics:
      return wrapped(take(from.metrics()));
    case v1::Observation::kPlugin:
      return wrapped(take(from.plugin()));
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
    case model::CheckKind::login:
      return 6;
    case model::CheckKind::warnings:
      return 7;
    case model::CheckKind::port_scan:
      return 8;
    case model::CheckKind::answer:
      return 9;
    case model::CheckKind::antivirus:
      return 10;
    case model::CheckKind::backup_job:
      return 11;
    case model::CheckKind::metrics:
      return 12;
    case model::CheckKind::plugin:
      return 13;
    case model::CheckKind::collector:
      break;  // An observation that claims it carries no facts; the judge refuses it.
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
  Result<model::CheckRef> check = any_check(from);
  if (check && !is_of_hosts(check->kind)) {
    return out_of_range("check.kind", static_cast<std::uint64_t>(from.kind()));
  }
  return check;
}

Result<model::CheckRef> any_check(const v1::CheckRef& from) {
  if (from.kind() < v1::CHECK_KIND_PING || from.kind() > v1::CHECK_KIND_COLLECTOR) {
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
  to.set_ports(from.ports);
  to.set_exact_sources(from.exact_sources);
  to.set_details_only(from.details_only);
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
  definition.ports = value_text(from.ports());
  definition.exact_sources = value_text(from.exact_sources());
  definition.details_only = from.details_only();
  return definition;
}

void to_proto(const model::Observation& from, v1::Observation& to) {
  to_proto(from.check, *to.mutable_check());
  to.set_outcome(static_cast<v1::ObservationOutcome>(from.outcome));
  if (!from.detail.code.empty()) to_proto(from.detail, *to.mutable_detail());
  to.set_wall_ns(from.at.ns);
  to.set_duration_us(from.took.count() < 0 ? 0
                                           : static_cast<std::uint64_t>(from.took.count()) / 1000);
  put_facts(from.facts, to);
}

Result<model::Observation> from_proto(const v1::Observation& from) {
  model::Observation observation;
  TOCSIN_WIRE_SET(observation.check, any_check(from.check()));
  if (from.outcome() < v1::OBSERVATION_OUTCOME_SEEN ||
      from.outcome() > v1::OBSERVATION_OUTCOME_NOT_APPLICABLE) {
    return out_of_range("observation.outcome", static_cast<std::uint64_t>(from.outcome()));
  }
  observation.outcome = static_cast<model::Outcome>(from.outcome());
  TOCSIN_WIRE_SET(observation.detail, from_proto(from.detail()));
  observation.at = host_instant(from.wall_ns());
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
  fact.wall = host_instant(from.wall_ns());
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
      model::SpoolLoss loss{
          in.count(), host_instant(in.from_wall_ns()), host_instant(in.to_wall_ns()), {}};
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
  heartbeat.wall = host_instant(from.wall_ns());
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
  if (const auto* check = std::get_if<model::CheckDefinition>(&from.act)) {
    to_proto(*check, *to.mutable_run_check());
  }
  if (const auto* restart = std::get_if<model::RestartUnit>(&from.act)) {
    to.mutable_restart_unit()->set_unit(restart->unit);
  }
  if (const auto* take = std::get_if<model::TakeEvidence>(&from.act)) {
    to_proto(*take, *to.mutable_take_evidence());
  }
}

Result<model::Request> from_proto(const v1::Request& from) {
  if (from.act_case() == v1::Request::ACT_NOT_SET) {
    return fail(ErrorCode::invalid_argument,
                "request: this version does not know the act it asks for");
  }
  model::Request request;
  request.request_id = name_text(from.request_id());
  if (request.request_id.empty()) return fail(ErrorCode::invalid_argument, "request: it has no id");
  request.expires_in = milliseconds(from.expires_in_ms());
  if (from.has_restart_unit()) {
    request.act = model::RestartUnit{name_text(from.restart_unit().unit())};
    return request;
  }
  if (from.has_take_evidence()) {
    request.act = from_proto(from.take_evidence());
    return request;
  }
  model::CheckDefinition check;
  TOCSIN_WIRE_SET(check, from_proto(from.run_check()));
  request.act = std::move(check);
  return request;
}

}  // namespace tocsin::wire
