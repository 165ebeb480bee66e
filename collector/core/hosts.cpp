#include "collector/core/hosts.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "collector/core/baselines.hpp"
#include "collector/core/correlate.hpp"
#include "collector/core/grade.hpp"
#include "collector/core/hidden_ports.hpp"
#include "collector/core/inquiry.hpp"
#include "collector/core/learning.hpp"
#include "collector/core/probes.hpp"
#include "common/base/limits.hpp"
#include "common/model/last_word.hpp"
#include "common/rules/judge.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kOpenFindings = 256;  // of one host
constexpr const char* kRestored = "agent.spool_restored";
// The oldest that a first observation may claim to be: longer than a spool holds. A host whose
// clock was never set would otherwise have been down since 1970.
constexpr Duration kOldest = 24h * 7;

// When and from where a judgement speaks.
struct Look {
  Instant at;  // on the host, never in the future
  bool late = false;
};

Look look_of(const model::CheckStatus* before, const model::Observation& observation, Instant now) {
  const bool seen_before = before != nullptr && before->observed.ns > 0;
  const Instant earliest = std::min(seen_before ? before->observed : now - kOldest, now);
  return {std::clamp(observation.at, earliest, now), observation.at + kLate < now};
}

model::CheckStatus* status_of(model::Host& host, const model::CheckRef& check) {
  const auto place = std::lower_bound(
      host.checks.begin(), host.checks.end(), check,
      [](const model::CheckStatus& s, const model::CheckRef& wanted) { return s.check < wanted; });
  if (place != host.checks.end() && place->check == check) return &*place;
  if (host.checks.size() >= limits::kChecks) return nullptr;
  model::CheckStatus fresh;
  fresh.check = check;
  return &*host.checks.insert(place, std::move(fresh));
}

// What a look found, under the names that make findings the same. `judgement`: nullptr where the
// collector itself looked, at everything.
struct Seen {
  const AgentId& agent;
  const model::CheckRef& check;
  const std::vector<model::Violation>& violations;
  const model::Judgement* judgement = nullptr;
};

void count_return(model::Finding& finding, Instant at) {
  ++finding.recurrences;
  finding.returned.push_back(at);
  if (finding.returned.size() > model::kReturnsKept) {
    finding.returned.erase(finding.returned.begin());
  }
}

void open_finding(Context& context, const Seen& seen, const model::Violation& violation,
                  const Look& look, std::vector<Transition>& transitions) {
  World& world = context.world;
  const std::string key = dedup_key(seen.agent, seen.check, violation.code, violation.subject);
  const model::Finding* known = world.finding_by_key(key);
  if (known != nullptr && !known->closed) {
    if (known->message == violation.message) return;
    const bool same =
        meaning_of(violation.code, known->message) == meaning_of(violation.code, violation.message);
    if (!same) transitions.push_back({known->id, Transition::Change::changed, look.late});
    world.change_finding(known->id).message = violation.message;
    return;
  }
  if (world.open_findings(seen.agent) >= kOpenFindings) {
    world.add("counter/findings_over_limit");
    return;
  }
  FindingId id = known == nullptr ? FindingId{} : known->id;
  if (known != nullptr) {
    const bool came_back = !known->unwatched;  // Else it may have been there all the time.
    world.reopen_finding(id);
    if (came_back) count_return(world.change_finding(id), look.at);
  } else {
    model::Finding fresh;
    fresh.dedup_key = key;
    fresh.agent = seen.agent;
    fresh.check = seen.check;
    fresh.code = violation.code;
    fresh.subject = violation.subject;
    id = world.add_finding(std::move(fresh)).id;
  }
  model::Finding& finding = world.change_finding(id);
  finding.message = violation.message;
  finding.since = look.at;
  finding.opened = context.now;
  finding.opened_position = context.position;
  transitions.push_back({id, Transition::Change::opened, look.late});
}

// Opens what is seen and closes what was looked at and is not there any more.
void compare(Context& context, const Seen& seen, const Look& look,
             std::vector<Transition>& transitions) {
  std::set<std::string> present;
  for (const model::Violation& violation : seen.violations) {
    present.insert(dedup_key(seen.agent, seen.check, violation.code, violation.subject));
    open_finding(context, seen, violation, look, transitions);
  }
  for (const FindingId id : context.world.findings_of(seen.agent, seen.check)) {
    const model::Finding& finding = *context.world.finding(id);
    const bool is_over = finding.closed && !finding.unwatched;
    if (is_over || present.contains(finding.dedup_key)) continue;
    if (seen.judgement != nullptr && !looked_at(*seen.judgement, finding.code, finding.subject)) {
      continue;
    }
    // Nobody looked for a while, and now somebody sees that it is over.
    if (finding.unwatched) context.world.reopen_finding(id);
    context.world.close_finding(id, std::max(look.at, finding.since), context.position);
    transitions.push_back({id, Transition::Change::closed, look.late});
  }
}

// A host's scan of another is judged by what is approved there.
std::string_view judged_host(const Context& context, const model::Host& host,
                             const model::Observation& observation) {
  if (observation.check.kind != model::CheckKind::port_scan) return host.name;
  const model::HostPolicy* target = host_at(context.policy, observation.check.target);
  return target == nullptr ? std::string_view() : std::string_view(target->host);
}

void add_open(const World& world, const AgentId& agent, const model::CheckRef& check,
              std::vector<FindingId>& open) {
  for (const FindingId id : world.findings_of(agent, check)) {
    if (!world.finding(id)->closed) open.push_back(id);
  }
}

void judge_one(Context& context, model::Host& host, model::CheckStatus& status, const Look& look,
               Judged& judged) {
  const std::string_view name = judged_host(context, host, status.observation);
  const model::Baseline* baseline =
      name.empty() ? nullptr : baseline_in_force(context, std::string(name));
  model::Judgement judgement =
      rules::judge(status.observation, baseline, model::rule_limits(context.policy, host.name));
  if (const auto hidden =
          hidden_ports(context.world, context.policy, baseline, status.observation)) {
    judgement = with_hidden_ports(std::move(judgement), *hidden);
    ask_about_ports(context, *hidden);
  }
  const bool another = status.verdict != judgement.verdict || status.since.ns == 0;
  if (another) {
    status.verdict = judgement.verdict;
    status.since = look.at;
    judged.changed.push_back(status.check);
  }
  status.reasons = judgement.reasons;
  compare(context, {host.agent, status.check, judgement.violations, &judgement}, look,
          judged.transitions);
  if (another) add_open(context.world, host.agent, status.check, judged.believed_anew);
}

// A finding of the collector itself about an agent, not from an observation.
void find_about_agent(Context& context, const model::Host& host, std::string_view code,
                      const Look& look, Judged& judged) {
  const model::Violation violation{
      std::string(code), "", {std::string(code), {{"host", host.name}}}};
  open_finding(context, {host.agent, agent_check(), {}}, violation, look, judged.transitions);
}

void leave_check(Context& context, const AgentId& agent, const model::CheckRef& check,
                 Judged& judged) {
  for (const FindingId id : context.world.findings_of(agent, check)) {
    if (!context.world.finding(id)->closed) leave_finding(context, id, judged);
  }
}

void end_check(Context& context, model::Host& host, const model::CheckRef& check, Judged& judged) {
  std::erase_if(host.checks, [&](const model::CheckStatus& s) { return s.check == check; });
  leave_check(context, host.agent, check, judged);
  judged.changed.push_back(check);
}

void take_observation(Context& context, model::Host& host, const model::Observation& observation,
                      Judged& judged) {
  if (!is_of_hosts(observation.check.kind)) {
    // No agent of ours does that. Like a suspected clone it stays until its key is revoked.
    context.world.add("counter/reports_refused");
    find_about_agent(context, host, "agent.false_report", {context.now, false}, judged);
    return;
  }
  if (model::is_last_word(observation)) return end_check(context, host, observation.check, judged);
  model::CheckStatus* status = status_of(host, observation.check);
  if (status == nullptr) {
    context.world.add("counter/checks_over_limit");
    return;
  }
  const Look look = look_of(status, observation, context.now);
  status->observation = observation;
  status->observed = look.at;
  status->position = context.position;
  learn(context.world, host.agent, observation, look.at);
  remember_ports(context.world, host, observation);
  judge_one(context, host, *status, look, judged);
}

// A spool that began a new epoch numbers anew what it still held, of which some may have taken
// effect under its old number: nobody knows how much. Such a look is not newer than what is known.
bool is_repeated(const model::Host& host, const model::Observation& observation) {
  const auto known =
      std::find_if(host.checks.begin(), host.checks.end(),
                   [&](const model::CheckStatus& s) { return s.check == observation.check; });
  return known != host.checks.end() && observation.at <= known->observation.at;
}

std::string carried_key(const AgentId& agent) { return "carried/" + agent.hex; }

// Is this fact one of those that its epoch carries over? Their last number is kept, not how many
// are left: some may be lost on the way.
bool is_carried(World& world, const model::AgentFact& fact, bool another_epoch) {
  const std::string key = carried_key(fact.agent);
  const std::uint64_t last = world.number(key);
  if (last == 0) return false;
  if (!another_epoch && fact.seq.value <= last) return true;
  world.set_value(key, "0");
  return false;
}

// How many facts follow it that may be repeated.
std::uint64_t carried_after(const model::AgentEvent& event) {
  std::uint64_t count = 0;
  if (event.event.code != "spool.epoch_begun") return count;
  for (const model::Parameter& p : event.event.parameters) {
    if (p.name == "carried")
      std::from_chars(p.value.data(), p.value.data() + p.value.size(), count);
  }
  return count;
}

// Or does the agent only tell of another host, which has no agent?
bool is_about_host(const Context& context, const model::Finding& finding, const model::Host& host) {
  const model::HostPolicy* down = unreachable_host(context, finding);
  return down == nullptr || down->host == host.name;
}

// Being heard ends a silence and what a restored spool had to do, and shows that the host is up; a
// suspected clone stays until its key is revoked.
void end_silence(Context& context, const model::Host& host, const Look& look, Judged& judged) {
  for (const FindingId id : context.world.findings_of(host.agent, agent_check())) {
    const model::Finding& finding = *context.world.finding(id);
    const bool ends = finding.code == "agent.silent" || finding.code == kRestored ||
                      ((finding.code == "reach.host_down" || finding.code == "reach.unseen") &&
                       is_about_host(context, finding, host));
    if (finding.closed || !ends) continue;
    context.world.close_finding(id, std::max(look.at, finding.since), context.position);
    judged.transitions.push_back({id, Transition::Change::closed, look.late});
  }
}

model::Host* watched_host(Context& context, const AgentId& agent) {
  const model::Host* host = context.world.hosts.find(agent);
  if (host == nullptr || host->revoked) {
    context.world.add(host == nullptr ? "counter/facts_of_unknown_agents"
                                      : "counter/facts_of_revoked_agents");
    return nullptr;
  }
  return context.world.hosts.change(agent);
}

}  // namespace

Judged take_fact(Context& context, const model::AgentFact& fact) {
  Judged judged;
  model::Host* host = watched_host(context, fact.agent);
  if (host == nullptr) return judged;
  const bool another_epoch = std::exchange(host->epoch, fact.epoch) != fact.epoch;
  const bool carried = is_carried(context.world, fact, another_epoch);
  host->last_fact = context.now;
  ++host->facts;
  const auto& body = fact.fact.body;
  const auto* observation = std::get_if<model::Observation>(&body);
  if (observation != nullptr && carried && is_repeated(*host, *observation)) {
    context.world.add("counter/facts_repeated");
  } else if (observation != nullptr) {
    take_observation(context, *host, *observation, judged);
  } else if (const auto* result = std::get_if<model::RequestResult>(&body)) {
    // What was asked in an inquiry is answered there; nobody would look again and close it here.
    if (is_inquiry(result->request_id)) return judged;
    for (const model::Observation& seen : result->observations) {
      take_observation(context, *host, seen, judged);
    }
  } else if (const auto* loss = std::get_if<model::SpoolLoss>(&body)) {
    host->facts_lost += loss->count;
    context.world.add("counter/facts_lost", loss->count);
  } else if (const auto* event = std::get_if<model::AgentEvent>(&body)) {
    if (const std::uint64_t count = carried_after(*event); count > 0) {
      context.world.set_value(carried_key(fact.agent), std::to_string(fact.seq.value + count));
    }
    context.world.add("counter/agent_events");
  } else {
    context.world.add("counter/unknown_facts");
  }
  return judged;
}

Judged take_presence(Context& context, const model::AgentPresence& presence) {
  Judged judged;
  model::Host* host = watched_host(context, presence.agent);
  if (host == nullptr) return judged;
  const bool another = std::exchange(host->presence, presence.state) != presence.state;
  host->presence_since = presence.since.ns == 0 ? context.now : presence.since;
  if (!presence.agent_version.empty()) host->agent_version = presence.agent_version;
  if (!presence.operating_system.empty()) host->operating_system = presence.operating_system;
  const Look look{std::min(host->presence_since, context.now), false};
  for (const model::CheckStatus& status : host->checks) {
    if (another) add_open(context.world, host->agent, status.check, judged.believed_anew);
  }
  switch (presence.state) {
    case model::Presence::heard:
      end_silence(context, *host, look, judged);
      break;
    case model::Presence::silent:
      find_about_agent(context, *host, "agent.silent", look, judged);
      break;
    case model::Presence::clone_suspected:
      find_about_agent(
          context, *host,
          presence.detail.code == "link.epoch_required" ? kRestored : "agent.clone_suspected", look,
          judged);
      break;
    case model::Presence::refused:
      context.world.add("counter/agents_refused");
      break;
  }
  return judged;
}

void take_range_lost(Context& context, const model::FactRangeLost& lost) {
  model::Host* host = watched_host(context, lost.agent);
  if (host == nullptr || lost.to < lost.from) return;
  const std::uint64_t count = lost.to.value - lost.from.value + 1;
  host->facts_lost += count;
  context.world.add("counter/facts_lost", count);
  context.world.add(kFactsMissing, count);
  context.world.set_value(kFactsMissingSince, std::to_string(context.now.ns));
  for (const auto& [id, incident] : context.world.incidents.rows()) {
    if (incident.agent != lost.agent || incident.recovered) continue;
    context.world.add_timeline(
        {id,
         0,
         context.now,
         context.position,
         {"facts.lost", {{"host", host->name}, {"count", std::to_string(count)}}},
         {}});
  }
}

Judged find_about(Context& context, const AgentId& agent, const model::CheckRef& check,
                  const std::vector<model::Violation>& violations) {
  Judged judged;
  compare(context, {agent, check, violations}, {context.now, false}, judged.transitions);
  return judged;
}

Judged stop_watching(Context& context, const AgentId& agent) {
  Judged judged;
  compare(context, {agent, agent_check(), {}}, {context.now, false}, judged.transitions);
  if (const model::Host* host = context.world.hosts.find(agent)) {
    for (const model::CheckStatus& status : host->checks) {
      leave_check(context, agent, status.check, judged);
    }
  }
  return judged;
}

void leave_finding(Context& context, FindingId id, Judged& judged) {
  context.world.leave_finding(id, context.now, context.position);
  judged.transitions.push_back({id, Transition::Change::unwatched, false});
}

void open_about_agent(Context& context, const AgentId& agent, const model::Violation& violation,
                      Judged& judged) {
  open_finding(context, {agent, agent_check(), {}}, violation, {context.now, false},
               judged.transitions);
}

Judged judge_again(Context& context, const std::vector<AgentId>& agents) {
  Judged judged;
  for (const AgentId& agent : agents) {
    model::Host& host = *context.world.hosts.change(agent);
    for (model::CheckStatus& status : host.checks) {
      judge_one(context, host, status, {context.now, false}, judged);
    }
  }
  return judged;
}

Judged judge_again(Context& context) {
  std::vector<AgentId> agents;
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (!host.revoked && !host.checks.empty()) agents.push_back(agent);
  }
  return judge_again(context, agents);
}

}  // namespace tocsin::collector
