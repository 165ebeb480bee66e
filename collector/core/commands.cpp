#include "collector/core/commands.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "collector/core/baselines.hpp"
#include "collector/core/certificates.hpp"
#include "collector/core/decisions.hpp"
#include "collector/core/evidence.hpp"
#include "collector/core/incident.hpp"
#include "collector/core/names.hpp"

namespace tocsin::collector {
namespace {

using model::CommandOutcome;
using model::Role;

struct Permission {
  std::string_view act;
  std::array<Role, 4> roles;  // filled up by repeating
};
// Who may do what. The intake roles of the procedure (P-01) judge, tell and register (P-04 to
// P-06), and so does an administrator, so that no incident waits for a number where none of them is
// enrolled; access of machines is the administrators'. What an incident is and how grave (R-02,
// R-04) is the working group's and the officer's; what concerns grade A is also the committee's
// (P-09, see decisions.hpp). Auditors read.
constexpr std::array kPermissions{
    Permission{"acknowledge", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    Permission{"register", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    Permission{"estimate_repair", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    Permission{"judge",
               {Role::working_group, Role::officer, Role::working_group, Role::working_group}},
    Permission{"approve_grade",
               {Role::working_group, Role::officer, Role::committee, Role::committee}},
    Permission{"close", {Role::officer, Role::committee, Role::committee, Role::committee}},
    Permission{"run_check", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    // It changes the host and ends what an investigator may still want to see.
    Permission{"restart_service",
               {Role::working_group, Role::officer, Role::officer, Role::officer}},
    // Looking for evidence is first aid and everybody's on duty (procedure H-04); giving it out is
    // its custodian's, the investigators' and the auditors'.
    Permission{"collect_evidence", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    Permission{"add_evidence", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    Permission{"give_up_evidence",
               {Role::working_group, Role::officer, Role::officer, Role::officer}},
    Permission{"export_evidence",
               {Role::working_group, Role::officer, Role::auditor, Role::auditor}},
    Permission{"propose_baseline", {Role::duty, Role::working_group, Role::officer, Role::admin}},
    // What is approved is not looked at any more; never by who proposed it.
    Permission{"approve_baseline",
               {Role::working_group, Role::officer, Role::officer, Role::officer}},
    Permission{"reject_baseline",
               {Role::working_group, Role::officer, Role::officer, Role::officer}},
    Permission{"revoke_agent", {Role::officer, Role::admin, Role::admin, Role::admin}},
    Permission{"revoke_operator", {Role::admin, Role::admin, Role::admin, Role::admin}},
    Permission{"admit_agent", {Role::admin, Role::admin, Role::admin, Role::admin}},
    Permission{"create_token", {Role::admin, Role::admin, Role::admin, Role::admin}},
};

// A decision about one command.
struct Answer {
  CommandOutcome outcome = CommandOutcome::done;
  model::Message detail;
  model::Principal conflict_with;
  std::uint64_t revision = 0;
  std::string request_id;
  Judged judged{};  // by another baseline than before
};

Answer refused(std::string code, std::vector<model::Parameter> parameters = {}) {
  return {CommandOutcome::refused, {std::move(code), std::move(parameters)}, {}, 0, {}};
}

Answer not_found(std::string_view what, std::string name) {
  return {CommandOutcome::not_found,
          {fmt::format("command.no_{}", what), {{"name", std::move(name)}}},
          {},
          0,
          {}};
}

Answer conflict(const model::Incident& incident, const model::Principal& who) {
  return {CommandOutcome::conflict,
          {"command.changed_meanwhile",
           {{"by", who.name.empty() ? "@principal.system" : who.name},
            {"revision", std::to_string(incident.revision)}}},
          who,
          incident.revision,
          {}};
}

// What the operator decided on is not what is true now.
bool is_stale(const model::Command& command, const model::Incident& incident) {
  return command.seen_revision != 0 && command.seen_revision != incident.revision;
}

Answer answer_for(const Context& context, IncidentId id, std::string code) {
  const model::Incident& incident = *context.world.incidents.find(id);
  return {CommandOutcome::done,
          {std::move(code), {{"id", std::to_string(id.value)}, {"number", incident.number}}},
          {},
          incident.revision,
          {}};
}

Answer decide(Context& context, const model::Command& command, const model::Acknowledge& act) {
  const model::Incident* incident = context.world.incidents.find(act.incident);
  if (incident == nullptr) return not_found("incident", std::to_string(act.incident.value));
  const bool mine = incident->acknowledged && incident->acknowledged_by == command.principal;
  if (mine) return answer_for(context, act.incident, "command.acknowledged");
  // Somebody else has it: to take it over, one has to have seen that.
  const bool taken = incident->acknowledged && command.seen_revision == 0;
  if (taken) return conflict(*incident, incident->acknowledged_by);
  if (is_stale(command, *incident)) return conflict(*incident, incident->changed_by);
  acknowledge(context, act.incident, command.principal, command.note);
  return answer_for(context, act.incident, "command.acknowledged");
}

Answer decide(Context& context, const model::Command& command, const model::RegisterIncident& act) {
  const model::Incident* incident = context.world.incidents.find(act.incident);
  if (incident == nullptr) return not_found("incident", std::to_string(act.incident.value));
  if (incident->registered) {
    Answer answer = answer_for(context, act.incident, "command.registered_before");
    answer.outcome = CommandOutcome::conflict;
    answer.conflict_with = incident->registered_by;
    return answer;
  }
  if (is_stale(command, *incident)) return conflict(*incident, incident->changed_by);
  register_incident(context, act.incident, command.principal, command.note);
  return answer_for(context, act.incident, "command.registered");
}

// What all decisions about an incident ask first: it is open, as it was seen, and there is a
// reason.
std::optional<Answer> objection(const Context& context, const model::Command& command,
                                IncidentId id, bool needs_reason) {
  const model::Incident* incident = context.world.incidents.find(id);
  if (incident == nullptr) return not_found("incident", std::to_string(id.value));
  if (is_stale(command, *incident)) return conflict(*incident, incident->changed_by);
  if (needs_reason && command.note.empty()) return refused("command.reason_needed");
  return std::nullopt;
}

Answer not_permitted(model::Role role, std::string_view act) {
  return refused("command.not_permitted",
                 {{"role", fmt::format("@role.{}", model::to_string(role))},
                  {"act", fmt::format("@act.{}", act)}});
}

Answer decide(Context& context, const model::Command& command, const model::JudgeIncident& act) {
  if (auto no = objection(context, command, act.incident, true)) return *std::move(no);
  judge_incident(context, act.incident, act.verdict, command.principal, command.note);
  return answer_for(context, act.incident, "command.judged");
}

Answer decide(Context& context, const model::Command& command, const model::ApproveGrade& act) {
  if (auto no = objection(context, command, act.incident, true)) return *std::move(no);
  if (act.severity == model::Severity::none) return refused("command.grade_needed");
  if (!may_approve(command.principal.role, *context.world.incidents.find(act.incident),
                   act.severity)) {
    return not_permitted(command.principal.role, "approve_grade_a");
  }
  approve_grade(context, act.incident, act.severity, command.principal, command.note);
  return answer_for(context, act.incident, "command.approved");
}

Answer decide(Context& context, const model::Command& command, const model::EstimateRepair& act) {
  if (auto no = objection(context, command, act.incident, false)) return *std::move(no);
  if (act.duration <= Duration{} || act.duration > kLongestEstimate) {
    return refused("command.estimate_out_of_range");
  }
  estimate_repair(context, act.incident, act.duration, command.principal, command.note);
  return answer_for(context, act.incident, "command.estimated");
}

Answer decide(Context& context, const model::Command& command, const model::CloseIncident& act) {
  if (auto no = objection(context, command, act.incident, true)) return *std::move(no);
  const model::Incident& incident = *context.world.incidents.find(act.incident);
  if (!may_close(command.principal.role, incident)) {
    const bool is_a = governing_grade(incident) == model::Severity::a;
    return not_permitted(command.principal.role, is_a ? "close_a" : "close_below_a");
  }
  const model::IncidentVerdict verdict =
      act.verdict == model::IncidentVerdict::undetermined ? incident.verdict : act.verdict;
  if (auto why = not_closable(context, incident, verdict)) {
    return refused(std::move(why->code), std::move(why->parameters));
  }
  Answer answer{
      CommandOutcome::done,
      {"command.closed", {{"id", std::to_string(act.incident.value)}, {"number", incident.number}}},
      {},
      incident.revision + 1,
      {}};
  close_incident(context, act.incident, verdict, command.principal, command.note);
  return answer;
}

model::CheckDefinition definition_of(const Context& context, const model::Host& host,
                                     const model::CheckRef& check) {
  model::CheckDefinition definition;
  definition.check = check;
  const model::HostPolicy* policy = model::host_policy(context.policy, host.name);
  if (policy == nullptr) return definition;
  const auto known =
      std::find_if(policy->checks.begin(), policy->checks.end(),
                   [&](const model::CheckDefinition& d) { return d.check == check; });
  return known == policy->checks.end() ? definition : *known;
}

constexpr std::string_view kRequestTimer = "request/";

std::string request_timer(const AgentId& agent, const std::string& request_id) {
  return fmt::format("{}{}/{}", kRequestTimer, agent.hex, request_id);
}

// The position makes it unique and leads back to the command; the rest shows which one asked.
std::string request_id_of(Position position, const model::Command& command) {
  return fmt::format("{}.{}", position.value, command.id);
}

// Why an agent cannot be asked for anything now, or nothing.
std::optional<Answer> unable(const AgentId& agent, const model::Host* host) {
  if (host == nullptr) return not_found("agent", agent.hex);
  if (host->revoked) return refused("command.agent_revoked", {{"host", host->name}});
  if (host->presence != model::Presence::heard) {
    return refused("command.agent_not_heard", {{"host", host->name}});
  }
  return std::nullopt;
}

// Asks the agent; its answer comes later, or the request's life ends.
Answer asked(Context& context, const model::Command& command, const AgentId& agent,
             model::Message detail, decltype(model::Request::act) act,
             Duration life = kRequestLife) {
  Answer answer;
  answer.request_id = request_id_of(context.position, command);
  answer.detail = std::move(detail);
  context.world.timers.set(request_timer(agent, answer.request_id), context.now + life);
  context.effects.requests.push_back({agent, {answer.request_id, life, std::move(act)}});
  return answer;
}

Answer decide(Context& context, const model::Command& command, const model::RunCheck& act) {
  const model::Host* host = context.world.hosts.find(act.agent);
  if (auto why = unable(act.agent, host)) return *std::move(why);
  return asked(
      context, command, act.agent,
      {"command.requested", {{"host", host->name}, {"check", model::to_string(act.check)}}},
      definition_of(context, *host, act.check));
}

Answer decide(Context& context, const model::Command& command, const model::RestartService& act) {
  const model::Host* host = context.world.hosts.find(act.agent);
  if (auto why = unable(act.agent, host)) return *std::move(why);
  return asked(context, command, act.agent,
               {"command.restart_requested", {{"host", host->name}, {"unit", act.unit}}},
               model::RestartUnit{act.unit});
}

Answer decide(Context& context, const model::Command&, const model::RevokeAgent& act) {
  model::Host* host = context.world.hosts.change(act.agent);
  if (host == nullptr) return not_found("agent", act.agent.hex);
  host->revoked = true;
  context.effects.revoked.push_back(act.agent);
  return {CommandOutcome::done, {"command.revoked", {{"host", host->name}}}, {}, 0, {}};
}

// Journal time may be this far behind the wall clock (the writer's tolerance), which certificates
// are stamped with: one that was made just before its revocation must not seem to be newer.
constexpr Duration kBehindTheWall = 2s;

// Renewed or not, seen here or not: what was made for this name until now opens nothing any more.
Answer decide(Context& context, const model::Command&, const model::RevokeOperator& act) {
  const Instant until = context.now + kBehindTheWall;
  context.world.set_value(revoked_operator_key(act.name), std::to_string(until.ns));
  return {CommandOutcome::done, {"command.operator_revoked", {{"name", act.name}}}, {}, 0, {}};
}

// It is there already, and handed out once this is judged.
Answer decide(Context&, const model::Command&, const model::CreateToken& act) {
  const char* code = act.replace ? "command.token_created_to_replace" : "command.token_created";
  return {
      CommandOutcome::done,
      {code,
       {{"token", act.token_id},
        {"host", act.host_name.empty() ? "*" : act.host_name},
        {"valid_s", std::to_string(std::chrono::floor<std::chrono::seconds>(act.valid).count())}}},
      {},
      0,
      {}};
}

// Another key that is admitted under this name.
const model::Host* holder_of(const World& world, const model::AdmitAgent& act) {
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (!host.revoked && agent != act.agent && same_name(host.name, act.host_name)) return &host;
  }
  return nullptr;
}

Answer decide(Context& context, const model::Command&, const model::AdmitAgent& act) {
  const model::Host* known = context.world.hosts.find(act.agent);
  // A key that was revoked does not come back; the host enrols with a new one.
  if (known != nullptr && known->revoked) {
    return refused("command.agent_revoked", {{"host", known->name}});
  }
  if (const model::Host* holder = holder_of(context.world, act)) {
    if (!act.replace) return refused("command.host_name_taken", {{"host", holder->name}});
    const AgentId replaced = holder->agent;
    context.world.hosts.change(replaced)->revoked = true;
    context.effects.revoked.push_back(replaced);
  }
  model::Host host = known == nullptr ? model::Host{} : *known;
  host.agent = act.agent;
  host.name = act.host_name;
  if (known == nullptr) {
    host.presence_since = context.now;
    context.effects.admitted.push_back(act.agent);
  }
  context.world.hosts.put(act.agent, std::move(host));
  return {CommandOutcome::done, {"command.admitted", {{"host", act.host_name}}}, {}, 0, {}};
}

// ---- Evidence ----

// Evidence need not be about an incident; where it is, about the one that was seen.
std::optional<Answer> no_incident(const Context& context, const model::Command& command,
                                  IncidentId id) {
  if (!id) return std::nullopt;
  const model::Incident* incident = context.world.incidents.find(id);
  if (incident == nullptr) return not_found("incident", std::to_string(id.value));
  if (is_stale(command, *incident)) return conflict(*incident, incident->changed_by);
  return std::nullopt;
}

std::optional<Answer> no_evidence(const Context& context, model::EvidenceId id) {
  if (context.world.evidence.find(id) != nullptr) return std::nullopt;
  return not_found("evidence", model::evidence_name(id));
}

Answer about_evidence(std::string code, model::EvidenceId id) {
  return {
      CommandOutcome::done, {std::move(code), {{"evidence", model::evidence_name(id)}}}, {}, 0, {}};
}

// A host that is silent is asked too: it may come back within the time, and where it does not, that
// it could not be had is what the record says.
Answer decide(Context& context, const model::Command& command, const model::CollectEvidence& act) {
  const model::Host* host = context.world.hosts.find(act.agent);
  if (host == nullptr) return not_found("agent", act.agent.hex);
  if (host->revoked) return refused("command.agent_revoked", {{"host", host->name}});
  if (auto no = no_incident(context, command, act.incident)) return *std::move(no);
  if (auto why = not_collectable(context, act); !why.code.empty()) {
    return refused(std::move(why.code), std::move(why.parameters));
  }
  const bool heard = host->presence == model::Presence::heard;
  EvidenceOrder order = order_evidence(context, command, act);
  Answer answer = asked(context, command, act.agent,
                        {heard ? "command.evidence_requested" : "command.evidence_requested_silent",
                         {{"host", host->name}, {"evidence", model::evidence_name(order.id)}}},
                        order.take, order.within);
  evidence_asked(context, order, answer.request_id);
  return answer;
}

Answer decide(Context& context, const model::Command& command, const model::ExportEvidence& act) {
  if (auto no = no_evidence(context, act.evidence)) return *std::move(no);
  if (auto why = not_exportable(context, act); !why.code.empty()) {
    return refused(std::move(why.code), std::move(why.parameters));
  }
  export_evidence(context, command, act.evidence);
  return about_evidence("command.evidence_exported", act.evidence);
}

Answer decide(Context& context, const model::Command& command, const model::GiveUpEvidence& act) {
  if (auto no = no_evidence(context, act.evidence)) return *std::move(no);
  if (auto why = not_to_be_given_up(context, command, act); !why.code.empty()) {
    return refused(std::move(why.code), std::move(why.parameters));
  }
  give_up_evidence(context, command, act);
  return about_evidence("command.evidence_given_up", act.evidence);
}

Answer decide(Context& context, const model::Command& command, const model::AddEvidence& act) {
  if (auto no = no_incident(context, command, act.incident)) return *std::move(no);
  return about_evidence("command.evidence_added", add_evidence(context, command, act));
}

Answer about_baseline(BaselineAnswer answer) {
  return {answer.outcome,
          std::move(answer.detail),
          std::move(answer.conflict_with),
          answer.revision,
          {},
          std::move(answer.judged)};
}

Answer decide(Context& context, const model::Command& command, const model::ProposeBaseline& act) {
  return about_baseline(propose_baseline(context, command, act));
}

Answer decide(Context& context, const model::Command& command, const model::ApproveBaseline& act) {
  return about_baseline(approve_baseline(context, command, act));
}

Answer decide(Context& context, const model::Command& command, const model::RejectBaseline& act) {
  return about_baseline(reject_baseline(context, command, act));
}

Answer decide(Context&, const model::Command&, const std::monostate&) {
  return refused("command.unknown");
}

Answer decide_permitted(Context& context, const model::Command& command) {
  const std::string_view act = act_name(command);
  if (!may(command.principal.role, act)) {
    return not_permitted(command.principal.role, act);
  }
  return std::visit([&](const auto& body) { return decide(context, command, body); }, command.act);
}

void keep_answer(Context& context, const std::string& command_id, const std::string& principal,
                 Answer answer) {
  context.world.answer({command_id, context.position, answer.outcome, std::move(answer.detail),
                        std::move(answer.conflict_with), answer.revision, context.now,
                        std::move(answer.request_id), principal});
}

// How the agent's act ended, kept under the request's id: the command's own answer, that the agent
// was asked, was given and does not change.
void complete(Context& context, const std::string& request_id, CommandOutcome outcome,
              model::Message detail) {
  keep_answer(context, request_id, {}, {outcome, std::move(detail), {}, 0, request_id});
}

std::string_view outcome_code(model::RequestOutcome outcome) {
  switch (outcome) {
    case model::RequestOutcome::done:
      return "request_outcome.done";
    case model::RequestOutcome::refused:
      return "request_outcome.refused";
    case model::RequestOutcome::failed:
      return "request_outcome.failed";
    case model::RequestOutcome::expired:
      return "request_outcome.expired";
    case model::RequestOutcome::unknown:
      break;
  }
  return "request_outcome.unknown";
}

}  // namespace

std::string revoked_operator_key(std::string_view name) {
  return fmt::format("{}{}", kRevokedOperators, name);
}

std::string_view act_name(const model::Command& command) {
  struct Name {
    std::string_view operator()(const std::monostate&) const { return "unknown"; }
    std::string_view operator()(const model::Acknowledge&) const { return "acknowledge"; }
    std::string_view operator()(const model::RegisterIncident&) const { return "register"; }
    std::string_view operator()(const model::RunCheck&) const { return "run_check"; }
    std::string_view operator()(const model::RestartService&) const { return "restart_service"; }
    std::string_view operator()(const model::RevokeAgent&) const { return "revoke_agent"; }
    std::string_view operator()(const model::AdmitAgent&) const { return "admit_agent"; }
    std::string_view operator()(const model::CreateToken&) const { return "create_token"; }
    std::string_view operator()(const model::JudgeIncident&) const { return "judge"; }
    std::string_view operator()(const model::ApproveGrade&) const { return "approve_grade"; }
    std::string_view operator()(const model::EstimateRepair&) const { return "estimate_repair"; }
    std::string_view operator()(const model::CloseIncident&) const { return "close"; }
    std::string_view operator()(const model::ProposeBaseline&) const { return "propose_baseline"; }
    std::string_view operator()(const model::ApproveBaseline&) const { return "approve_baseline"; }
    std::string_view operator()(const model::RejectBaseline&) const { return "reject_baseline"; }
    std::string_view operator()(const model::RevokeOperator&) const { return "revoke_operator"; }
    std::string_view operator()(const model::CollectEvidence&) const { return "collect_evidence"; }
    std::string_view operator()(const model::ExportEvidence&) const { return "export_evidence"; }
    std::string_view operator()(const model::GiveUpEvidence&) const { return "give_up_evidence"; }
    std::string_view operator()(const model::AddEvidence&) const { return "add_evidence"; }
  };
  return std::visit(Name{}, command.act);
}

bool may(model::Role role, std::string_view act) {
  const auto row = std::find_if(kPermissions.begin(), kPermissions.end(),
                                [&](const Permission& p) { return p.act == act; });
  return row != kPermissions.end() &&
         std::find(row->roles.begin(), row->roles.end(), role) != row->roles.end();
}

Judged take_command(Context& context, const model::Command& command) {
  Answer answer = decide_permitted(context, command);
  Judged judged;
  const auto append = [&](const Judged& more) {
    judged.transitions.insert(judged.transitions.end(), more.transitions.begin(),
                              more.transitions.end());
  };
  append(answer.judged);
  for (const AgentId& agent : context.effects.revoked) {
    append(stop_watching(context, agent));
    append(forget_certificate(context, model::CertificateHolder::agent, agent.hex));
  }
  const auto* person = std::get_if<model::RevokeOperator>(&command.act);
  if (person != nullptr && answer.outcome == CommandOutcome::done) {
    append(forget_certificate(context, model::CertificateHolder::operator_, person->name));
  }
  keep_answer(context, command.id, command.principal.name, std::move(answer));
  return judged;
}

void take_request_result(Context& context, const AgentId& agent,
                         const model::RequestResult& result) {
  const std::string key = request_timer(agent, result.request_id);
  if (!context.world.timers.due(key)) {
    context.world.add("counter/answers_not_asked_for");
    return;
  }
  context.world.timers.clear(key);
  take_evidence_answer(context, result);
  const bool done = result.outcome == model::RequestOutcome::done;
  const model::Message plain{std::string(outcome_code(result.outcome)), {}};
  complete(context, result.request_id, done ? CommandOutcome::done : CommandOutcome::refused,
           result.detail.code.empty() ? plain : result.detail);
}

std::vector<OpenRequest> open_requests(const World& world) {
  std::vector<OpenRequest> open;
  for (const model::Timer& timer : world.timers.beginning_with(kRequestTimer)) {
    const std::string_view rest = std::string_view(timer.key).substr(kRequestTimer.size());
    const std::size_t slash = rest.find('/');
    if (slash == rest.npos) continue;
    OpenRequest request{
        {std::string(rest.substr(0, slash))}, std::string(rest.substr(slash + 1)), timer.due, {}};
    const std::string& id = request.request_id;
    std::from_chars(id.data(), id.data() + id.size(), request.command.value);
    open.push_back(std::move(request));
  }
  return open;
}

std::optional<AgentRequest> ask_again(const Context& context, const OpenRequest& open,
                                      const model::Command& command) {
  const model::Host* host = context.world.hosts.find(open.agent);
  const Duration left = open.due - context.now;
  const bool waited_for =
      context.world.timers.due(request_timer(open.agent, open.request_id)).has_value();
  if (!waited_for || left <= Duration{} || host == nullptr || host->revoked ||
      open.request_id != request_id_of(open.command, command)) {
    return std::nullopt;
  }
  AgentRequest again{open.agent, {open.request_id, left, {}}};
  if (const auto* check = std::get_if<model::RunCheck>(&command.act)) {
    again.request.act = definition_of(context, *host, check->check);
  } else if (const auto* restart = std::get_if<model::RestartService>(&command.act)) {
    again.request.act = model::RestartUnit{restart->unit};
  } else if (const auto* collect = std::get_if<model::CollectEvidence>(&command.act)) {
    auto take = order_again(context, command, *collect, open.request_id);
    if (!take) return std::nullopt;
    again.request.act = *std::move(take);
  } else {
    return std::nullopt;
  }
  return again;
}

bool fire_request_timer(Context& context, std::string_view key) {
  if (!key.starts_with(kRequestTimer)) return false;
  const std::size_t slash = key.find('/', kRequestTimer.size());
  if (slash != key.npos) {
    evidence_not_answered(context, key.substr(slash + 1));
    complete(context, std::string(key.substr(slash + 1)), CommandOutcome::refused,
             {"request_outcome.expired", {}});
  }
  return true;
}

}  // namespace tocsin::collector
