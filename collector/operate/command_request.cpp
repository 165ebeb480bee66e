#include "collector/operate/command_request.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/wire/proto.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kShortestId = 8;
constexpr std::size_t kLongestId = 64;
constexpr std::size_t kAgentIdDigits = 64;

Status wrong(std::string message) { return fail(ErrorCode::invalid_argument, std::move(message)); }

}  // namespace

Status check_command_id(std::string_view id) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';  // No '.': such ids are those of requests to agents.
  };
  if (id.size() < kShortestId || id.size() > kLongestId ||
      !std::all_of(id.begin(), id.end(), fits)) {
    return wrong("a command's id is 8 to 64 letters, digits, '-' or '_'");
  }
  return {};
}

namespace {

Status check_incident(IncidentId id) {
  return id ? Status{} : wrong("the command names no incident");
}

Status check_evidence(model::EvidenceId id) {
  return id ? Status{} : wrong("the command names no evidence");
}

Status check_baseline(BaselineId id) {
  return id ? Status{} : wrong("the command names no baseline");
}

Status check_agent(const AgentId& agent) {
  std::string bytes;
  if (agent.hex.size() == kAgentIdDigits && from_hex(agent.hex, bytes)) return {};
  return wrong("an agent's id is 64 hex digits");
}

struct CheckAct {
  Status operator()(const std::monostate&) const { return wrong("the command names no act"); }
  Status operator()(const model::Acknowledge& act) const { return check_incident(act.incident); }
  Status operator()(const model::RegisterIncident& act) const {
    return check_incident(act.incident);
  }
  Status operator()(const model::JudgeIncident& act) const { return check_incident(act.incident); }
  Status operator()(const model::ApproveGrade& act) const { return check_incident(act.incident); }
  Status operator()(const model::EstimateRepair& act) const { return check_incident(act.incident); }
  Status operator()(const model::CloseIncident& act) const { return check_incident(act.incident); }
  Status operator()(const model::RunCheck& act) const {
    TOCSIN_TRY(check_agent(act.agent));
    if (model::has_target(act.check.kind) == act.check.target.empty()) {
      return wrong(act.check.target.empty() ? "this check needs a target"
                                            : "this check has no target");
    }
    return {};
  }
  Status operator()(const model::RestartService& act) const {
    TOCSIN_TRY(check_agent(act.agent));
    return act.unit.ends_with(".service") ? Status{} : wrong("a unit is called NAME.service");
  }
  Status operator()(const model::RevokeAgent& act) const { return check_agent(act.agent); }
  Status operator()(const model::RevokeOperator& act) const {
    return act.name.empty() ? wrong("the command names no operator") : Status{};
  }
  Status operator()(const model::CollectEvidence& act) const { return check_agent(act.agent); }
  Status operator()(const model::ExportEvidence& act) const { return check_evidence(act.evidence); }
  Status operator()(const model::GiveUpEvidence& act) const { return check_evidence(act.evidence); }
  Status operator()(const model::AddEvidence&) const {
    return fail(ErrorCode::permission_denied, "a file is added with its bytes only");
  }
  Status operator()(const model::ProposeBaseline& act) const {
    if (act.scope.name.empty()) return wrong("the command names neither a host nor a group");
    const bool once = act.from_finding || act.since > Duration{};
    return once ? Status{} : wrong("the command says neither since when nor from which finding");
  }
  Status operator()(const model::ApproveBaseline& act) const {
    TOCSIN_TRY(check_baseline(act.baseline));
    return act.valid_for > Duration{} ? Status{} : wrong("the command says not for how long");
  }
  Status operator()(const model::RejectBaseline& act) const { return check_baseline(act.baseline); }
  Status operator()(const model::AdmitAgent&) const {
    return fail(ErrorCode::permission_denied, "agents are admitted by enrolment only");
  }
  Status operator()(const model::CreateToken&) const {
    return fail(ErrorCode::permission_denied, "a token is made by a request of its own");
  }
};

}  // namespace

Result<model::Command> command_from(const v1::Command& request, const model::Principal& caller) {
  TOCSIN_TRY(check_command_id(request.id()));
  if (request.note().size() > limits::kText) return fail(wrong("the note is too long").error());
  // The payload's principal is dropped before it is decoded: it must not matter in any way.
  v1::Command without_principal = request;
  without_principal.clear_principal();
  auto command = wire::from_proto(without_principal);
  if (!command) return fail(ErrorCode::invalid_argument, command.error().message);
  TOCSIN_TRY(std::visit(CheckAct{}, command->act));
  command->principal = caller;
  return std::move(*command);
}

}  // namespace tocsin::collector
