// Principals, commands and the documents of the state store.
#include <algorithm>

#include "common/wire/parts.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/text.hpp"

namespace tocsin::wire {
namespace {

Result<model::Severity> severity(v1::Severity value) {
  if (value < v1::SEVERITY_UNSPECIFIED || value > v1::SEVERITY_A) {
    return out_of_range("severity", static_cast<std::uint64_t>(value));
  }
  return static_cast<model::Severity>(value);
}
v1::Severity severity(model::Severity value) { return static_cast<v1::Severity>(value); }

Result<AgentId> agent_id(const std::string& hex) {
  const bool plain = std::all_of(hex.begin(), hex.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!hex.empty() && (hex.size() != 64 || !plain)) {
    return fail(ErrorCode::invalid_argument, "agent id: 64 lower-case hex digits are expected");
  }
  return AgentId{hex};
}

// 0 on the wire is "not".
std::optional<Instant> optional_instant(std::int64_t ns) {
  if (ns == 0) return std::nullopt;
  return Instant{ns};
}
std::int64_t wire_instant(const std::optional<Instant>& instant) {
  return instant ? instant->ns : 0;
}

void put_messages(const std::vector<model::Message>& from,
                  google::protobuf::RepeatedPtrField<v1::Message>& to) {
  for (const model::Message& message : from) to_proto(message, *to.Add());
}

Result<std::vector<model::Message>> take_messages(
    const google::protobuf::RepeatedPtrField<v1::Message>& from) {
  TOCSIN_TRY(check_count("messages", static_cast<std::size_t>(from.size()), limits::kReasons));
  std::vector<model::Message> messages;
  for (const v1::Message& message : from) {
    TOCSIN_WIRE_SET(messages.emplace_back(), from_proto(message));
  }
  return messages;
}

Result<model::IncidentVerdict> incident_verdict(v1::IncidentVerdict value) {
  if (value < v1::INCIDENT_VERDICT_UNSPECIFIED || value > v1::INCIDENT_VERDICT_SECURITY) {
    return out_of_range("incident verdict", static_cast<std::uint64_t>(value));
  }
  return static_cast<model::IncidentVerdict>(value);
}
v1::IncidentVerdict incident_verdict(model::IncidentVerdict value) {
  return static_cast<v1::IncidentVerdict>(value);
}

std::uint32_t whole_seconds(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
}

bool was_decided(const model::Decided& decided) { return !decided.by.name.empty(); }

void put(const model::Decided& from, v1::Decided& to) {
  to_proto(from.by, *to.mutable_by());
  to.set_at_ns(from.at.ns);
  to.set_reason(from.reason);
}

Result<model::Decided> take(const v1::Decided& from) {
  model::Decided decided;
  TOCSIN_WIRE_SET(decided.by, from_proto(from.by()));
  decided.at = Instant{from.at_ns()};
  decided.reason = value_text(from.reason());
  return decided;
}

void put(const model::GradeExplanation& from, v1::GradeExplanation& to) {
  to.set_rules_version(from.rules_version);
  to.set_proposed(severity(from.proposed));
  for (const model::Parameter& fact : from.facts) {
    v1::Parameter& out = *to.add_facts();
    out.set_name(fact.name);
    out.set_value(fact.value);
  }
  for (const std::string& hit : from.hits) to.add_hits(hit);
  to_proto(from.nearest_miss, *to.mutable_nearest_miss());
  to_proto(from.changes_next, *to.mutable_changes_next());
  to.set_changes_next_ns(wire_instant(from.changes_next_at));
  to.set_asks(severity(from.asks));
}

Result<model::GradeExplanation> take(const v1::GradeExplanation& from) {
  model::GradeExplanation explanation;
  explanation.rules_version = from.rules_version();
  TOCSIN_WIRE_SET(explanation.proposed, severity(from.proposed()));
  TOCSIN_TRY(check_count("explanation.facts", static_cast<std::size_t>(from.facts_size()),
                         limits::kReasons));
  TOCSIN_TRY(check_count("explanation.hits", static_cast<std::size_t>(from.hits_size()),
                         limits::kReasons));
  for (const v1::Parameter& fact : from.facts()) {
    explanation.facts.push_back({name_text(fact.name()), value_text(fact.value())});
  }
  for (const std::string& hit : from.hits()) explanation.hits.push_back(name_text(hit));
  TOCSIN_WIRE_SET(explanation.nearest_miss, from_proto(from.nearest_miss()));
  TOCSIN_WIRE_SET(explanation.changes_next, from_proto(from.changes_next()));
  explanation.changes_next_at = optional_instant(from.changes_next_ns());
  TOCSIN_WIRE_SET(explanation.asks, severity(from.asks()));
  return explanation;
}

}  // namespace

Result<AgentId> take_agent_id(const std::string& hex) { return agent_id(hex); }
std::uint32_t seconds_of(Duration duration) { return whole_seconds(duration); }
void put_decided(const model::Decided& from, v1::Decided& to) { put(from, to); }
Result<model::Decided> take_decided(const v1::Decided& from) { return take(from); }

void to_proto(const model::Principal& from, v1::Principal& to) {
  to.set_name(from.name);
  to.set_role(static_cast<v1::Role>(from.role));
  to.set_fingerprint(from.fingerprint);
}

Result<model::Principal> from_proto(const v1::Principal& from) {
  model::Principal principal;
  principal.name = name_text(from.name());
  if (from.role() < v1::ROLE_UNSPECIFIED || from.role() > v1::ROLE_ADMIN) {
    return out_of_range("principal.role", static_cast<std::uint64_t>(from.role()));
  }
  if (from.role() != v1::ROLE_UNSPECIFIED) principal.role = static_cast<model::Role>(from.role());
  principal.fingerprint = name_text(from.fingerprint());
  return principal;
}

namespace {

// What is done with evidence.
void put_evidence_act(const model::Command& from, v1::Command& to) {
  if (const auto* collect = std::get_if<model::CollectEvidence>(&from.act)) {
    to.mutable_collect_evidence()->set_agent_id(collect->agent.hex);
    to.mutable_collect_evidence()->set_incident_id(collect->incident.value);
    to.mutable_collect_evidence()->set_since_s(whole_seconds(collect->since));
    to.mutable_collect_evidence()->set_within_s(whole_seconds(collect->within));
  }
  if (const auto* give = std::get_if<model::ExportEvidence>(&from.act)) {
    to.mutable_export_evidence()->set_evidence_id(give->evidence.value);
  }
  if (const auto* give_up = std::get_if<model::GiveUpEvidence>(&from.act)) {
    to.mutable_give_up_evidence()->set_evidence_id(give_up->evidence.value);
    to.mutable_give_up_evidence()->set_witness(give_up->witness);
  }
  if (const auto* add = std::get_if<model::AddEvidence>(&from.act)) {
    to.mutable_add_evidence()->set_incident_id(add->incident.value);
    to.mutable_add_evidence()->set_name(add->name);
    to.mutable_add_evidence()->set_sha256(add->digest);
    to.mutable_add_evidence()->set_bytes(add->bytes);
  }
}

// What a person decides about an incident.
void put_decision(const model::Command& from, v1::Command& to) {
  if (const auto* judge = std::get_if<model::JudgeIncident>(&from.act)) {
    to.mutable_judge()->set_incident_id(judge->incident.value);
    to.mutable_judge()->set_verdict(incident_verdict(judge->verdict));
  }
  if (const auto* approve = std::get_if<model::ApproveGrade>(&from.act)) {
    to.mutable_approve_grade()->set_incident_id(approve->incident.value);
    to.mutable_approve_grade()->set_severity(severity(approve->severity));
  }
  if (const auto* estimate = std::get_if<model::EstimateRepair>(&from.act)) {
    to.mutable_estimate_repair()->set_incident_id(estimate->incident.value);
    to.mutable_estimate_repair()->set_duration_s(whole_seconds(estimate->duration));
  }
  if (const auto* close = std::get_if<model::CloseIncident>(&from.act)) {
    to.mutable_close()->set_incident_id(close->incident.value);
    to.mutable_close()->set_verdict(incident_verdict(close->verdict));
  }
}

}  // namespace

void to_proto(const model::Command& from, v1::Command& to) {
  to.set_id(from.id);
  to_proto(from.principal, *to.mutable_principal());
  to.set_seen_revision(from.seen_revision);
  to.set_note(from.note);
  if (const auto* ack = std::get_if<model::Acknowledge>(&from.act)) {
    to.mutable_acknowledge()->set_incident_id(ack->incident.value);
  }
  if (const auto* reg = std::get_if<model::RegisterIncident>(&from.act)) {
    to.mutable_register_()->set_incident_id(reg->incident.value);
  }
  if (const auto* run = std::get_if<model::RunCheck>(&from.act)) {
    to.mutable_run_check()->set_agent_id(run->agent.hex);
    to_proto(run->check, *to.mutable_run_check()->mutable_check());
  }
  if (const auto* restart = std::get_if<model::RestartService>(&from.act)) {
    to.mutable_restart_service()->set_agent_id(restart->agent.hex);
    to.mutable_restart_service()->set_unit(restart->unit);
  }
  if (const auto* revoke = std::get_if<model::RevokeAgent>(&from.act)) {
    to.mutable_revoke_agent()->set_agent_id(revoke->agent.hex);
  }
  put_decision(from, to);
  put_evidence_act(from, to);
  put_baseline_act(from, to);
  if (const auto* admit = std::get_if<model::AdmitAgent>(&from.act)) {
    to.mutable_admit_agent()->set_agent_id(admit->agent.hex);
    to.mutable_admit_agent()->set_host_name(admit->host_name);
    to.mutable_admit_agent()->set_token_id(admit->token_id);
    to.mutable_admit_agent()->set_replace(admit->replace);
  }
  if (const auto* token = std::get_if<model::CreateToken>(&from.act)) {
    to.mutable_create_token()->set_token_id(token->token_id);
    to.mutable_create_token()->set_host_name(token->host_name);
    to.mutable_create_token()->set_valid_s(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(token->valid).count()));
    to.mutable_create_token()->set_replace(token->replace);
  }
  if (const auto* revoke = std::get_if<model::RevokeOperator>(&from.act)) {
    to.mutable_revoke_operator()->set_name(revoke->name);
  }
}

Result<model::Command> from_proto(const v1::Command& from) {
  model::Command command;
  command.id = name_text(from.id());
  if (command.id.empty()) return fail(ErrorCode::invalid_argument, "command: it has no id");
  TOCSIN_WIRE_SET(command.principal, from_proto(from.principal()));
  command.seen_revision = from.seen_revision();
  command.note = value_text(from.note());
  switch (from.act_case()) {
    case v1::Command::kAcknowledge:
      command.act = model::Acknowledge{IncidentId{from.acknowledge().incident_id()}};
      break;
    case v1::Command::kRegister:
      command.act = model::RegisterIncident{IncidentId{from.register_().incident_id()}};
      break;
    case v1::Command::kRunCheck: {
      model::RunCheck run;
      TOCSIN_WIRE_SET(run.agent, agent_id(from.run_check().agent_id()));
      TOCSIN_WIRE_SET(run.check, from_proto(from.run_check().check()));
      command.act = std::move(run);
      break;
    }
    case v1::Command::kRestartService: {
      model::RestartService restart;
      TOCSIN_WIRE_SET(restart.agent, agent_id(from.restart_service().agent_id()));
      restart.unit = name_text(from.restart_service().unit());
      command.act = std::move(restart);
      break;
    }
    case v1::Command::kRevokeAgent: {
      model::RevokeAgent revoke;
      TOCSIN_WIRE_SET(revoke.agent, agent_id(from.revoke_agent().agent_id()));
      command.act = std::move(revoke);
      break;
    }
    case v1::Command::kAdmitAgent: {
      model::AdmitAgent admit;
      TOCSIN_WIRE_SET(admit.agent, agent_id(from.admit_agent().agent_id()));
      admit.host_name = name_text(from.admit_agent().host_name());
      admit.token_id = name_text(from.admit_agent().token_id());
      admit.replace = from.admit_agent().replace();
      command.act = std::move(admit);
      break;
    }
    case v1::Command::kCreateToken: {
      const v1::CreateToken& in = from.create_token();
      command.act = model::CreateToken{name_text(in.token_id()), name_text(in.host_name()),
                                       bounded_seconds(in.valid_s()), in.replace()};
      break;
    }
    case v1::Command::kJudge: {
      model::JudgeIncident judge{IncidentId{from.judge().incident_id()}};
      TOCSIN_WIRE_SET(judge.verdict, incident_verdict(from.judge().verdict()));
      command.act = judge;
      break;
    }
    case v1::Command::kApproveGrade: {
      model::ApproveGrade approve{IncidentId{from.approve_grade().incident_id()}};
      TOCSIN_WIRE_SET(approve.severity, severity(from.approve_grade().severity()));
      command.act = approve;
      break;
    }
    case v1::Command::kEstimateRepair:
      command.act =
          model::EstimateRepair{IncidentId{from.estimate_repair().incident_id()},
                                std::chrono::seconds(from.estimate_repair().duration_s())};
      break;
    case v1::Command::kClose: {
      model::CloseIncident close{IncidentId{from.close().incident_id()}};
      TOCSIN_WIRE_SET(close.verdict, incident_verdict(from.close().verdict()));
      command.act = close;
      break;
    }
    case v1::Command::kRevokeOperator:
      command.act = model::RevokeOperator{name_text(from.revoke_operator().name())};
      break;
    case v1::Command::kCollectEvidence: {
      const v1::CollectEvidence& in = from.collect_evidence();
      model::CollectEvidence collect;
      TOCSIN_WIRE_SET(collect.agent, agent_id(in.agent_id()));
      collect.incident = IncidentId{in.incident_id()};
      collect.since = bounded_seconds(in.since_s());
      collect.within = bounded_seconds(in.within_s());
      command.act = std::move(collect);
      break;
    }
    case v1::Command::kExportEvidence:
      command.act = model::ExportEvidence{model::EvidenceId{from.export_evidence().evidence_id()}};
      break;
    case v1::Command::kGiveUpEvidence:
      command.act = model::GiveUpEvidence{model::EvidenceId{from.give_up_evidence().evidence_id()},
                                          name_text(from.give_up_evidence().witness())};
      break;
    case v1::Command::kAddEvidence:
      command.act = model::AddEvidence{
          IncidentId{from.add_evidence().incident_id()}, name_text(from.add_evidence().name()),
          name_text(from.add_evidence().sha256()), from.add_evidence().bytes()};
      break;
    case v1::Command::kProposeBaseline:
      TOCSIN_WIRE_SET(command.act, take_propose(from.propose_baseline()));
      break;
    case v1::Command::kApproveBaseline:
      command.act = model::ApproveBaseline{BaselineId{from.approve_baseline().baseline_id()},
                                           std::chrono::seconds(from.approve_baseline().valid_s())};
      break;
    case v1::Command::kRejectBaseline:
      command.act = model::RejectBaseline{BaselineId{from.reject_baseline().baseline_id()}};
      break;
    case v1::Command::ACT_NOT_SET:
      break;  // Of a newer client: kept as monostate, answered "refused".
  }
  return command;
}

void to_proto(const model::CheckStatus& from, v1::CheckStatus& to) {
  to_proto(from.check, *to.mutable_check());
  to.set_verdict(static_cast<v1::Verdict>(from.verdict));
  put_messages(from.reasons, *to.mutable_reasons());
  to.set_since_ns(from.since.ns);
  to.set_observed_ns(from.observed.ns);
  to.set_position(from.position.value);
  to_proto(from.observation, *to.mutable_observation());
}

Result<model::CheckStatus> from_proto(const v1::CheckStatus& from) {
  model::CheckStatus status;
  TOCSIN_WIRE_SET(status.check, from_proto(from.check()));
  if (from.verdict() < v1::VERDICT_NORMAL || from.verdict() > v1::VERDICT_NOT_APPLICABLE) {
    return out_of_range("check.verdict", static_cast<std::uint64_t>(from.verdict()));
  }
  status.verdict = static_cast<model::Verdict>(from.verdict());
  TOCSIN_WIRE_SET(status.reasons, take_messages(from.reasons()));
  status.since = Instant{from.since_ns()};
  status.observed = Instant{from.observed_ns()};
  status.position = Position{from.position()};
  TOCSIN_WIRE_SET(status.observation, from_proto(from.observation()));
  return status;
}

void put_alone(const model::Host& from, v1::HostState& to) {
  to.set_agent_id(from.agent.hex);
  to.set_name(from.name);
  to.set_agent_version(from.agent_version);
  to.set_operating_system(from.operating_system);
  to.set_presence(static_cast<v1::AgentPresence::State>(from.presence));
  to.set_presence_since_ns(from.presence_since.ns);
  to.set_last_fact_ns(from.last_fact.ns);
  to.set_revoked(from.revoked);
  to.set_epoch(from.epoch.value);
  to.set_facts(from.facts);
  to.set_facts_lost(from.facts_lost);
}

void to_proto(const model::Host& from, v1::HostState& to) {
  put_alone(from, to);
  for (const model::CheckStatus& status : from.checks) to_proto(status, *to.add_checks());
}

Result<model::Host> from_proto(const v1::HostState& from) {
  model::Host host;
  TOCSIN_WIRE_SET(host.agent, agent_id(from.agent_id()));
  host.name = name_text(from.name());
  host.agent_version = name_text(from.agent_version());
  host.operating_system = name_text(from.operating_system());
  if (from.presence() < v1::AgentPresence::STATE_HEARD ||
      from.presence() > v1::AgentPresence::STATE_REFUSED) {
    return out_of_range("host.presence", static_cast<std::uint64_t>(from.presence()));
  }
  host.presence = static_cast<model::Presence>(from.presence());
  host.presence_since = Instant{from.presence_since_ns()};
  host.last_fact = Instant{from.last_fact_ns()};
  host.revoked = from.revoked();
  TOCSIN_TRY(
      check_count("host.checks", static_cast<std::size_t>(from.checks_size()), limits::kChecks));
  for (const v1::CheckStatus& status : from.checks()) {
    TOCSIN_WIRE_SET(host.checks.emplace_back(), from_proto(status));
  }
  host.epoch = Epoch{from.epoch()};
  host.facts = from.facts();
  host.facts_lost = from.facts_lost();
  return host;
}

namespace {

// Version 0.1.0 kept what the collector finds itself under a ping that it named "agent" or
// "certificate/…". A ping's own findings have codes of its own, and belong to other kinds of
// incident.
constexpr std::string_view kOldKind = "/ping:";
constexpr std::string_view kNewKind = "/collector:";

std::string renamed(const std::string& key, std::string_view before) {
  const std::string old = fmt::format("{}{}", before, kOldKind);
  if (!key.starts_with(old)) return key;
  return fmt::format("{}{}{}", before, kNewKind, std::string_view(key).substr(old.size()));
}

void rename_own(model::Finding& finding) {
  if (finding.check.kind != model::CheckKind::ping || finding.code.starts_with("ping.")) return;
  finding.check.kind = model::CheckKind::collector;
  finding.dedup_key = renamed(finding.dedup_key, finding.agent.hex);
}

void rename_own(model::Incident& incident) {
  if (incident.kind == "performance" || incident.kind == "network") return;
  incident.dedup_key =
      renamed(incident.dedup_key, fmt::format("{}/{}", incident.kind, incident.agent.hex));
}

}  // namespace

void to_proto(const model::Finding& from, v1::FindingState& to) {
  to.set_id(from.id.value);
  to.set_dedup_key(from.dedup_key);
  to.set_agent_id(from.agent.hex);
  to_proto(from.check, *to.mutable_check());
  to.set_code(from.code);
  to.set_subject(from.subject);
  to_proto(from.message, *to.mutable_message());
  to.set_since_ns(from.since.ns);
  to.set_opened_ns(from.opened.ns);
  to.set_closed_ns(wire_instant(from.closed));
  to.set_incident_id(from.incident.value);
  to.set_opened_position(from.opened_position.value);
  to.set_closed_position(from.closed_position.value);
  to.set_recurrences(from.recurrences);
  to.set_unwatched(from.unwatched);
  for (const Instant at : from.returned) to.add_returned_ns(at.ns);
}

Result<model::Finding> from_proto(const v1::FindingState& from) {
  model::Finding finding;
  finding.id = FindingId{from.id()};
  finding.dedup_key = clean_text(from.dedup_key(), 4 * limits::kPath);
  TOCSIN_WIRE_SET(finding.agent, agent_id(from.agent_id()));
  TOCSIN_WIRE_SET(finding.check, any_check(from.check()));
  finding.code = name_text(from.code());
  finding.subject = clean_text(from.subject(), 2 * limits::kPath);
  TOCSIN_WIRE_SET(finding.message, from_proto(from.message()));
  finding.since = Instant{from.since_ns()};
  finding.opened = Instant{from.opened_ns()};
  finding.closed = optional_instant(from.closed_ns());
  finding.incident = IncidentId{from.incident_id()};
  finding.opened_position = Position{from.opened_position()};
  finding.closed_position = Position{from.closed_position()};
  finding.recurrences = from.recurrences();
  finding.unwatched = from.unwatched();
  for (const std::int64_t ns : from.returned_ns()) finding.returned.push_back(Instant{ns});
  rename_own(finding);
  return finding;
}

namespace {

void put_decisions(const model::Incident& from, v1::IncidentState& to) {
  to.set_verdict(incident_verdict(from.verdict));
  if (was_decided(from.verdict_decided)) put(from.verdict_decided, *to.mutable_verdict_decided());
  if (was_decided(from.approved_decided)) {
    put(from.approved_decided, *to.mutable_approved_decided());
  }
  to.set_decided_basis(severity(from.decided_basis));
  to.set_needs_review(from.needs_review);
  if (from.estimate) {
    to.mutable_estimate()->set_duration_s(whole_seconds(from.estimate->duration));
    put(from.estimate->decided, *to.mutable_estimate()->mutable_decided());
    to.mutable_estimate()->set_revisions(from.estimate->revisions);
  }
  if (was_decided(from.closed_decided)) put(from.closed_decided, *to.mutable_closed_decided());
}

Status take_decisions(const v1::IncidentState& from, model::Incident& to) {
  TOCSIN_WIRE_SET(to.verdict, incident_verdict(from.verdict()));
  TOCSIN_WIRE_SET(to.verdict_decided, take(from.verdict_decided()));
  TOCSIN_WIRE_SET(to.approved_decided, take(from.approved_decided()));
  TOCSIN_WIRE_SET(to.decided_basis, severity(from.decided_basis()));
  to.needs_review = from.needs_review();
  if (from.has_estimate()) {
    model::RepairEstimate& estimate = to.estimate.emplace();
    estimate.duration = std::chrono::seconds(from.estimate().duration_s());
    TOCSIN_WIRE_SET(estimate.decided, take(from.estimate().decided()));
    estimate.revisions = from.estimate().revisions();
  }
  TOCSIN_WIRE_SET(to.closed_decided, take(from.closed_decided()));
  return {};
}

}  // namespace

void to_proto(const model::Incident& from, v1::IncidentState& to) {
  to.set_id(from.id.value);
  to.set_number(from.number);
  to.set_revision(from.revision);
  to.set_dedup_key(from.dedup_key);
  to.set_agent_id(from.agent.hex);
  to.set_host_name(from.host_name);
  to.set_kind(from.kind);
  to_proto(from.title, *to.mutable_title());
  to.set_stage(static_cast<v1::Stage>(from.stage));
  to.set_live(severity(from.live));
  to.set_peak(severity(from.peak));
  to.set_approved(severity(from.approved));
  put(from.explanation, *to.mutable_explanation());
  to.set_first_bad_ns(from.first_bad.ns);
  to.set_opened_ns(from.opened.ns);
  to.set_recovered_ns(wire_instant(from.recovered));
  to.set_closed_ns(wire_instant(from.closed));
  if (from.acknowledged) to_proto(from.acknowledged_by, *to.mutable_acknowledged_by());
  to.set_acknowledged_ns(wire_instant(from.acknowledged));
  if (from.registered) to_proto(from.registered_by, *to.mutable_registered_by());
  to.set_registered_ns(wire_instant(from.registered));
  for (const FindingId& id : from.findings) to.add_finding_ids(id.value);
  put_decisions(from, to);
  if (!from.changed_by.name.empty()) to_proto(from.changed_by, *to.mutable_changed_by());
  for (const Instant at : from.transitions) to.add_transition_ns(at.ns);
  to.set_transition_count(from.transition_count);
  to.set_flapping(from.flapping);
  to.set_asked(severity(from.asked));
  to.set_asked_ns(wire_instant(from.asked_at));
  to.set_confirmed_ns(wire_instant(from.confirmed));
  to.set_told(severity(from.told));
  to.set_more_findings(from.more_findings);
  for (const FindingId& id : from.unwatched) to.add_unwatched_ids(id.value);
  to.set_undecided(from.undecided);
  to.set_network_told_id(from.network_told.value);
}

Result<model::Incident> from_proto(const v1::IncidentState& from) {
  model::Incident incident;
  incident.id = IncidentId{from.id()};
  incident.number = name_text(from.number());
  incident.revision = from.revision();
  incident.dedup_key = clean_text(from.dedup_key(), 4 * limits::kPath);
  TOCSIN_WIRE_SET(incident.agent, agent_id(from.agent_id()));
  incident.host_name = name_text(from.host_name());
  incident.kind = name_text(from.kind());
  TOCSIN_WIRE_SET(incident.title, from_proto(from.title()));
  if (from.stage() < v1::STAGE_IDENTIFICATION || from.stage() > v1::STAGE_FOLLOW_UP) {
    return out_of_range("incident.stage", static_cast<std::uint64_t>(from.stage()));
  }
  incident.stage = static_cast<model::Stage>(from.stage());
  TOCSIN_WIRE_SET(incident.live, severity(from.live()));
  TOCSIN_WIRE_SET(incident.peak, severity(from.peak()));
  TOCSIN_WIRE_SET(incident.approved, severity(from.approved()));
  TOCSIN_WIRE_SET(incident.explanation, take(from.explanation()));
  incident.first_bad = Instant{from.first_bad_ns()};
  incident.opened = Instant{from.opened_ns()};
  incident.recovered = optional_instant(from.recovered_ns());
  incident.closed = optional_instant(from.closed_ns());
  TOCSIN_WIRE_SET(incident.acknowledged_by, from_proto(from.acknowledged_by()));
  incident.acknowledged = optional_instant(from.acknowledged_ns());
  TOCSIN_WIRE_SET(incident.registered_by, from_proto(from.registered_by()));
  incident.registered = optional_instant(from.registered_ns());
  for (const std::uint64_t id : from.finding_ids()) incident.findings.push_back(FindingId{id});
  TOCSIN_TRY(take_decisions(from, incident));
  TOCSIN_WIRE_SET(incident.changed_by, from_proto(from.changed_by()));
  for (const std::int64_t ns : from.transition_ns()) incident.transitions.push_back(Instant{ns});
  incident.transition_count = from.transition_count();
  incident.flapping = from.flapping();
  TOCSIN_WIRE_SET(incident.asked, severity(from.asked()));
  incident.asked_at = optional_instant(from.asked_ns());
  incident.confirmed = optional_instant(from.confirmed_ns());
  TOCSIN_WIRE_SET(incident.told, severity(from.told()));
  incident.more_findings = from.more_findings();
  for (const std::uint64_t id : from.unwatched_ids()) incident.unwatched.push_back(FindingId{id});
  incident.undecided = from.undecided();
  incident.network_told = NotificationId{from.network_told_id()};
  rename_own(incident);
  return incident;
}

void to_proto(const model::TimelineItem& from, v1::TimelineItem& to) {
  to.set_incident_id(from.incident.value);
  to.set_index(from.index);
  to.set_at_ns(from.at.ns);
  to.set_position(from.position.value);
  to_proto(from.message, *to.mutable_message());
  if (!from.principal.name.empty()) to_proto(from.principal, *to.mutable_principal());
}

Result<model::TimelineItem> from_proto(const v1::TimelineItem& from) {
  model::TimelineItem item;
  item.incident = IncidentId{from.incident_id()};
  item.index = from.index();
  item.at = Instant{from.at_ns()};
  item.position = Position{from.position()};
  TOCSIN_WIRE_SET(item.message, from_proto(from.message()));
  TOCSIN_WIRE_SET(item.principal, from_proto(from.principal()));
  return item;
}

void to_proto(const model::Notification& from, v1::NotificationState& to) {
  to.set_id(from.id.value);
  to.set_incident_id(from.incident.value);
  to.set_reason(from.reason);
  to.set_suppressed(from.suppressed);
  to.set_channel(from.channel);
  to.set_recipient(from.recipient);
  to_proto(from.subject, *to.mutable_subject());
  put_messages(from.body, *to.mutable_body());
  to.set_created_ns(from.created.ns);
  to.set_due_ns(from.due.ns);
  to.set_attempts(from.attempts);
  to.set_status(static_cast<v1::NotificationState::Status>(from.status));
  to_proto(from.last_detail, *to.mutable_last_detail());
  to.set_language(from.language);
  to.set_idempotency_key(from.idempotency_key);
}

Result<model::Notification> from_proto(const v1::NotificationState& from) {
  model::Notification notification;
  notification.id = NotificationId{from.id()};
  notification.incident = IncidentId{from.incident_id()};
  notification.reason = name_text(from.reason());
  notification.suppressed = name_text(from.suppressed());
  notification.channel = name_text(from.channel());
  notification.recipient = value_text(from.recipient());
  TOCSIN_WIRE_SET(notification.subject, from_proto(from.subject()));
  TOCSIN_WIRE_SET(notification.body, take_messages(from.body()));
  notification.created = Instant{from.created_ns()};
  notification.due = Instant{from.due_ns()};
  notification.attempts = from.attempts();
  if (from.status() < v1::NotificationState::STATUS_PENDING ||
      from.status() > v1::NotificationState::STATUS_SUPPRESSED) {
    return out_of_range("notification.status", static_cast<std::uint64_t>(from.status()));
  }
  notification.status = static_cast<model::NotificationStatus>(from.status());
  TOCSIN_WIRE_SET(notification.last_detail, from_proto(from.last_detail()));
  notification.language = name_text(from.language());
  notification.idempotency_key = name_text(from.idempotency_key());
  return notification;
}

void to_proto(const model::CommandResult& from, v1::CommandResult& to) {
  to.set_command_id(from.command_id);
  to.set_position(from.position.value);
  to.set_outcome(static_cast<v1::CommandResult::Outcome>(from.outcome));
  to_proto(from.detail, *to.mutable_detail());
  if (!from.conflict_with.name.empty()) to_proto(from.conflict_with, *to.mutable_conflict_with());
  to.set_revision(from.revision);
  to.set_decided_ns(from.decided.ns);
  to.set_request_id(from.request_id);
  to.set_principal(from.principal);
}

Result<model::CommandResult> from_proto(const v1::CommandResult& from) {
  model::CommandResult result;
  result.command_id = name_text(from.command_id());
  result.position = Position{from.position()};
  if (from.outcome() < v1::CommandResult::OUTCOME_DONE ||
      from.outcome() > v1::CommandResult::OUTCOME_NOT_FOUND) {
    return out_of_range("command_result.outcome", static_cast<std::uint64_t>(from.outcome()));
  }
  result.outcome = static_cast<model::CommandOutcome>(from.outcome());
  TOCSIN_WIRE_SET(result.detail, from_proto(from.detail()));
  TOCSIN_WIRE_SET(result.conflict_with, from_proto(from.conflict_with()));
  result.revision = from.revision();
  result.decided = Instant{from.decided_ns()};
  result.request_id = name_text(from.request_id());
  result.principal = name_text(from.principal());
  return result;
}

}  // namespace tocsin::wire
