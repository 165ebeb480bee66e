#include "collector/core/mail_text.hpp"

#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "collector/core/decisions.hpp"
#include "collector/core/incident.hpp"
#include "collector/core/probes.hpp"
#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kOtherFindings = 5;

std::string id_text(const model::Incident& incident) { return std::to_string(incident.id.value); }

// What the command line takes to name it.
std::string reference(const model::Incident& incident) {
  return incident.number.empty() ? id_text(incident) : incident.number;
}

std::string severity_code(model::Severity severity) {
  switch (severity) {
    case model::Severity::a:
      return "@severity.a";
    case model::Severity::b:
      return "@severity.b";
    case model::Severity::c:
      return "@severity.c";
    case model::Severity::d:
      return "@severity.d";
    case model::Severity::e:
      return "@severity.e";
    case model::Severity::none:
      break;
  }
  return "@severity.none";
}

void add_other_findings(const World& world, const model::Incident& incident,
                        std::vector<model::Message>& body) {
  std::size_t shown = 0;
  std::size_t more = incident.more_findings;
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || finding->message == incident.title) continue;
    if (shown < kOtherFindings) {
      body.push_back(finding->message);
      ++shown;
    } else {
      ++more;
    }
  }
  if (more > 0) body.push_back({"notify.more_findings", {{"count", std::to_string(more)}}});
}

// What somebody else sees differently: ask the owner first.
void add_contradictions(const World& world, const model::Incident& incident,
                        std::vector<model::Message>& body) {
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    auto said = finding == nullptr ? std::nullopt : said_by_probe(world, *finding);
    if (said) body.push_back(*std::move(said));
  }
}

void add_clause(const World& world, const model::Incident& incident,
                std::vector<model::Message>& body) {
  if (incident.findings.empty()) return;
  const model::Finding* first = world.finding(incident.findings.front());
  if (first == nullptr) return;
  const std::string_view clause = model::clause_of(first->check.kind);
  if (!clause.empty()) body.push_back({"notify.clause", {{"clause", std::string(clause)}}});
}

// What people have decided stands beside what the facts say.
void add_decisions(const model::Incident& incident, std::vector<model::Message>& body) {
  if (const model::Decided& approved = incident.approved_decided; !approved.by.name.empty()) {
    body.push_back({"notify.approved",
                    {{"severity", std::string(model::to_string(incident.approved))},
                     {"name", approved.by.name},
                     {"note", approved.reason}}});
  }
  if (const model::Decided& judged = incident.verdict_decided; !judged.by.name.empty()) {
    body.push_back({"notify.judged",
                    {{"verdict", fmt::format("@incident_verdict.{}", to_string(incident.verdict))},
                     {"name", judged.by.name},
                     {"note", judged.reason}}});
  }
}

void add_estimate(const model::SitePolicy& policy, const model::Incident& incident,
                  std::vector<model::Message>& body) {
  if (!incident.estimate) return;
  const model::RepairEstimate& estimate = *incident.estimate;
  body.push_back(
      {"notify.estimate",
       {{"name", estimate.decided.by.name},
        {"until", time::local_text(estimate.decided.at + estimate.duration, policy.time_zone)}}});
}

void add_next_steps(const model::Incident& incident, std::vector<model::Message>& body) {
  const std::string name = reference(incident);
  body.push_back({"notify.next", {}});
  if (!incident.acknowledged && !incident.recovered && !incident.closed) {
    body.push_back({"notify.next.acknowledge", {{"reference", name}}});
  }
  body.push_back({"notify.next.show", {{"reference", name}}});
  if (awaits_assent(incident)) {
    body.push_back({"notify.next.approve",
                    {{"reference", name},
                     {"severity", std::string(model::to_string(incident.explanation.asks))}}});
  }
  if (incident.number.empty() && !incident.closed) {
    body.push_back({"notify.next.register", {{"reference", name}}});
  }
  if (lacks_estimate(incident) && !incident.recovered && !incident.closed) {
    body.push_back({"notify.next.estimate", {{"reference", name}}});
  }
  if (incident.undecided && !incident.closed) {
    body.push_back({"notify.next.close", {{"reference", name}}});
  }
}

}  // namespace

model::Message subject_of(const model::Incident& incident, const Occasion& occasion) {
  model::Message subject{
      fmt::format("notify.subject.{}", to_string(occasion.reason)),
      {{"severity", std::string(model::to_string(occasion.severity))},
       {"host", incident.host_name},
       {"title", ""},
       {"number", incident.number.empty() ? "@notify.provisional" : incident.number},
       {"id", id_text(incident)}}};
  if (occasion.asked != model::Severity::none) {
    subject.parameters.push_back({"asked", std::string(model::to_string(occasion.asked))});
  }
  return subject;
}

std::vector<model::Message> body_of(const Context& context, const model::Incident& incident) {
  const model::SitePolicy& policy = context.policy;
  const model::GradeExplanation& why = incident.explanation;
  std::vector<model::Message> body{incident.title};
  add_other_findings(context.world, incident, body);
  add_contradictions(context.world, incident, body);
  body.push_back(
      {"notify.where", {{"host", incident.host_name}, {"kind", "@kind." + incident.kind}}});
  body.push_back({"notify.since",
                  {{"at", time::local_text(incident.first_bad, policy.time_zone)},
                   {"zone", policy.time_zone}}});
  body.push_back({"notify.grade",
                  {{"severity", std::string(model::to_string(incident.live))},
                   {"meaning", severity_code(incident.live)},
                   {"peak", std::string(model::to_string(incident.peak))}}});
  if (awaits_assent(incident)) {
    body.push_back({"notify.asked",
                    {{"severity", std::string(model::to_string(why.asks))},
                     {"meaning", severity_code(why.asks)},
                     {"at", time::local_text(*incident.asked_at, policy.time_zone)}}});
  }
  add_decisions(incident, body);
  add_estimate(policy, incident, body);
  if (incident.undecided) body.push_back({"incident.undecided", {}});
  body.push_back({"notify.why",
                  {{"rules", fmt::format("{}", fmt::join(why.hits, " "))},
                   {"version", std::to_string(why.rules_version)}}});
  if (!why.nearest_miss.code.empty()) body.push_back(why.nearest_miss);
  if (!why.changes_next.code.empty()) {
    body.push_back(why.changes_next);
    if (why.changes_next_at) {
      body.push_back({"notify.changes_at",
                      {{"at", time::local_text(*why.changes_next_at, policy.time_zone)}}});
    }
  }
  add_clause(context.world, incident, body);
  add_next_steps(incident, body);
  return body;
}

}  // namespace tocsin::collector
