#include "collector/core/evidence.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "collector/core/incident.hpp"
#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

using model::CustodyAct;
using model::Evidence;
using model::EvidenceState;

std::string timer_key(model::EvidenceId id) { return fmt::format("evidence/{}", id.value); }

// The newest and the first are kept: who asked is never forgotten.
void add_custody(Context& context, Evidence& evidence, CustodyAct act, const model::Principal& by,
                 model::Message detail) {
  if (evidence.custody.size() == model::kCustodyKept) {
    evidence.custody.erase(evidence.custody.begin() + 1);
    ++evidence.custody_left_out;
  }
  if (evidence.incident) note(context, evidence.incident, detail, by);
  evidence.custody.push_back({context.now, context.position, act, by, std::move(detail)});
}

Evidence* by_request(Context& context, std::string_view request_id) {
  for (const auto& [id, evidence] : context.world.evidence.rows()) {
    if (!request_id.empty() && evidence.request_id == request_id) {
      return context.world.evidence.change(id);
    }
  }
  return nullptr;
}

std::string name_of(const Evidence& evidence) { return model::evidence_name(evidence.id); }

// Procedure M-06: the third outcome, beside "have it" and "override".
void settle_unobtainable(Context& context, Evidence& evidence, const model::Principal& by,
                         model::Message why, std::string witness) {
  evidence.state = EvidenceState::unobtainable;
  evidence.problem = why;
  evidence.witness = std::move(witness);
  context.world.timers.clear(timer_key(evidence.id));
  add_custody(context, evidence, CustodyAct::unobtainable, by, std::move(why));
}

// Reason, last seen, who asked.
model::Message not_had(const Context& context, const Evidence& evidence, std::string_view why,
                       std::string detail = {}) {
  const model::Host* host = context.world.hosts.find(evidence.agent);
  // An agent that is heard is so now, however old its last fact is: one that finds nothing new
  // sends none. Of one that fell silent its presence says when it was heard last.
  const bool now = host != nullptr && host->presence == model::Presence::heard;
  const bool ever = host != nullptr && (!host->agent_version.empty() || host->last_fact.ns != 0);
  const bool seen = now || ever;
  Instant last = context.now;
  if (!now && ever) last = std::max(host->presence_since, host->last_fact);
  return {"evidence.unobtainable",
          {{"evidence", name_of(evidence)},
           {"host", evidence.host_name},
           {"why", fmt::format("@evidence_why.{}", why)},
           {"detail", std::move(detail)},
           {"last_seen", seen ? time::local_text(last, context.policy.time_zone) : "-"},
           {"by", evidence.asked_by.name}}};
}

// Why an agent did not do it, of what agents say: anything else is its outcome's word.
std::string_view why_of(const model::RequestResult& result) {
  constexpr std::array<std::string_view, 6> kSaid{"busy",    "failed",      "hung",
                                                  "no_room", "not_allowed", "not_signed"};
  std::string_view code = result.detail.code;
  constexpr std::string_view kPrefix = "evidence.";
  if (code.starts_with(kPrefix)) code.remove_prefix(kPrefix.size());
  if (code == "hung_before") return "hung";
  const auto said = std::find(kSaid.begin(), kSaid.end(), code);
  if (said != kSaid.end()) return *said;
  if (result.outcome == model::RequestOutcome::unknown) return "interrupted";
  return result.outcome == model::RequestOutcome::expired ? "no_answer" : "refused";
}

bool is_silent(const Context& context, const AgentId& agent) {
  const model::Host* host = context.world.hosts.find(agent);
  return host == nullptr || host->presence != model::Presence::heard;
}

std::string incident_name(const Context& context, IncidentId id) {
  const model::Incident* incident = context.world.incidents.find(id);
  if (incident == nullptr) return {};
  return incident->number.empty() ? std::to_string(id.value) : incident->number;
}

Duration or_default(Duration asked, Duration otherwise, Duration most) {
  return asked <= Duration{} ? otherwise : std::min(asked, most);
}

model::TakeEvidence taken(const Context& context, const model::Command& command,
                          const model::CollectEvidence& act, model::EvidenceId id) {
  return {id, or_default(act.since, kEvidenceSince, kEvidenceSinceLongest), command.principal.name,
          command.note, incident_name(context, act.incident)};
}

void received(Context& context, Evidence& evidence, const model::EvidenceEvent& event) {
  if (evidence.state == EvidenceState::received) {
    const bool again = evidence.manifest == event.manifest;
    context.world.add(again ? "counter/evidence_received_again" : "counter/evidence_another");
    return;
  }
  evidence.state = EvidenceState::received;
  evidence.received = context.now;
  evidence.manifest = event.manifest;
  evidence.bytes = event.bytes;
  evidence.items = event.items;
  evidence.missing = event.missing;
  evidence.problem = {};
  context.world.timers.clear(timer_key(evidence.id));
  add_custody(context, evidence, CustodyAct::received, event.by,
              {"evidence.received",
               {{"evidence", name_of(evidence)},
                {"host", evidence.host_name},
                {"items", std::to_string(event.items)},
                {"missing", std::to_string(event.missing)},
                {"bytes", std::to_string(event.bytes)},
                {"manifest", event.manifest}}});
}

}  // namespace

model::Message not_collectable(const Context& context, const model::CollectEvidence& act) {
  for (const auto& [id, evidence] : context.world.evidence.rows()) {
    if (evidence.agent == act.agent && evidence.state == EvidenceState::asked) {
      return {"command.evidence_asked_before", {{"evidence", name_of(evidence)}}};
    }
  }
  return {};
}

std::optional<model::TakeEvidence> order_again(const Context& context,
                                               const model::Command& command,
                                               const model::CollectEvidence& act,
                                               std::string_view request_id) {
  for (const auto& [id, evidence] : context.world.evidence.rows()) {
    if (evidence.request_id != request_id || evidence.state != EvidenceState::asked) continue;
    return taken(context, command, act, id);
  }
  return std::nullopt;
}

EvidenceOrder order_evidence(Context& context, const model::Command& command,
                             const model::CollectEvidence& act) {
  const model::EvidenceId id{context.world.add("last/evidence")};
  Evidence evidence;
  evidence.id = id;
  evidence.agent = act.agent;
  evidence.host_name = context.world.hosts.find(act.agent)->name;
  evidence.incident = act.incident;
  evidence.asked_by = command.principal;
  evidence.asked = context.now;
  evidence.reason = command.note;
  context.world.evidence.put(id, std::move(evidence));
  EvidenceOrder order;
  order.id = id;
  order.within = or_default(act.within, kEvidenceWithin, kEvidenceLongest);
  order.take = taken(context, command, act, id);
  return order;
}

void evidence_asked(Context& context, const EvidenceOrder& order, const std::string& request_id) {
  Evidence& evidence = *context.world.evidence.change(order.id);
  evidence.request_id = request_id;
  add_custody(context, evidence, CustodyAct::asked, evidence.asked_by,
              {"evidence.asked",
               {{"evidence", name_of(evidence)},
                {"host", evidence.host_name},
                {"by", evidence.asked_by.name},
                {"note", evidence.reason}}});
}

model::Message not_exportable(const Context& context, const model::ExportEvidence& act) {
  const Evidence* evidence = context.world.evidence.find(act.evidence);
  if (evidence == nullptr || evidence->state == EvidenceState::received) return {};
  return {"command.evidence_not_here", {{"evidence", name_of(*evidence)}}};
}

void export_evidence(Context& context, const model::Command& command, model::EvidenceId id) {
  Evidence& evidence = *context.world.evidence.change(id);
  add_custody(
      context, evidence, CustodyAct::exported, command.principal,
      {"evidence.exported",
       {{"evidence", name_of(evidence)}, {"by", command.principal.name}, {"note", command.note}}});
}

model::Message not_to_be_given_up(const Context& context, const model::Command& command,
                                  const model::GiveUpEvidence& act) {
  const Evidence* evidence = context.world.evidence.find(act.evidence);
  if (evidence == nullptr) return {};
  if (evidence->state == EvidenceState::received) {
    return {"command.evidence_is_here", {{"evidence", name_of(*evidence)}}};
  }
  if (command.note.empty()) return {"command.reason_needed", {}};
  if (act.witness.empty()) return {"command.witness_needed", {}};
  return {};
}

void give_up_evidence(Context& context, const model::Command& command,
                      const model::GiveUpEvidence& act) {
  Evidence& evidence = *context.world.evidence.change(act.evidence);
  settle_unobtainable(context, evidence, command.principal,
                      {"evidence.given_up",
                       {{"evidence", name_of(evidence)},
                        {"host", evidence.host_name},
                        {"by", command.principal.name},
                        {"witness", act.witness},
                        {"note", command.note}}},
                      act.witness);
}

model::EvidenceId add_evidence(Context& context, const model::Command& command,
                               const model::AddEvidence& act) {
  Evidence evidence;
  evidence.id = model::EvidenceId{context.world.add("last/evidence")};
  evidence.state = EvidenceState::received;
  evidence.incident = act.incident;
  evidence.name = act.name;
  evidence.asked_by = command.principal;
  evidence.asked = context.now;
  evidence.reason = command.note;
  evidence.received = context.now;
  evidence.manifest = act.digest;
  evidence.bytes = act.bytes;
  evidence.items = 1;
  add_custody(context, evidence, CustodyAct::added, command.principal,
              {"evidence.added",
               {{"evidence", name_of(evidence)},
                {"file", act.name},
                {"by", command.principal.name},
                {"manifest", act.digest},
                {"note", command.note}}});
  const model::EvidenceId id = evidence.id;
  context.world.evidence.put(id, std::move(evidence));
  return id;
}

void take_evidence_answer(Context& context, const model::RequestResult& result) {
  Evidence* evidence = by_request(context, result.request_id);
  if (evidence == nullptr || evidence->state != EvidenceState::asked) return;
  if (result.outcome != model::RequestOutcome::done) {
    const auto& said = result.detail.parameters;
    settle_unobtainable(context, *evidence, {},
                        not_had(context, *evidence, why_of(result),
                                said.empty() ? std::string() : said.front().value),
                        {});
    return;
  }
  evidence->state = EvidenceState::collected;
  context.world.timers.set(timer_key(evidence->id), context.now + kEvidenceSendWithin);
  add_custody(
      context, *evidence, CustodyAct::collected, {},
      {"evidence.on_host", {{"evidence", name_of(*evidence)}, {"host", evidence->host_name}}});
}

void evidence_not_answered(Context& context, std::string_view request_id) {
  Evidence* evidence = by_request(context, request_id);
  if (evidence == nullptr || evidence->state != EvidenceState::asked) return;
  const bool silent = is_silent(context, evidence->agent);
  settle_unobtainable(context, *evidence, {},
                      not_had(context, *evidence, silent ? "silent" : "no_answer"), {});
}

bool fire_evidence_timer(Context& context, std::string_view key) {
  constexpr std::string_view kPrefix = "evidence/";
  if (!key.starts_with(kPrefix)) return false;
  key.remove_prefix(kPrefix.size());
  model::EvidenceId id;
  std::from_chars(key.data(), key.data() + key.size(), id.value);
  Evidence* evidence = context.world.evidence.change(id);
  if (evidence == nullptr || evidence->state != EvidenceState::collected) return true;
  settle_unobtainable(context, *evidence, {}, not_had(context, *evidence, "not_sent"), {});
  return true;
}

void take_evidence_event(Context& context, const model::EvidenceEvent& event) {
  Evidence* evidence = event.evidence ? context.world.evidence.change(event.evidence)
                                      : by_request(context, event.request_id);
  if (evidence == nullptr || evidence->agent != event.agent) {
    context.world.add("counter/evidence_not_asked_for");
    return;
  }
  switch (event.act) {
    case CustodyAct::received:
      return received(context, *evidence, event);
    case CustodyAct::refused:
    case CustodyAct::damaged:
      evidence->problem = event.detail;
      add_custody(context, *evidence, event.act, event.by, event.detail);
      return;
    case CustodyAct::verified:
      evidence->problem = {};
      add_custody(context, *evidence, event.act, event.by, event.detail);
      return;
    case CustodyAct::asked:
    case CustodyAct::collected:
    case CustodyAct::exported:
    case CustodyAct::added:
    case CustodyAct::unobtainable:
      context.world.add("counter/unknown_entries");  // The judge's own to say.
      return;
  }
}

}  // namespace tocsin::collector
