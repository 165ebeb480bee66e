#include "collector/core/correlate.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "collector/core/darkness.hpp"
#include "collector/core/looked_at.hpp"
#include "collector/core/probes.hpp"
#include "collector/core/reach.hpp"

namespace tocsin::collector {
namespace {

constexpr std::string_view kManySilentKey = "agent_silence/many";
constexpr std::string_view kTarget = "/target/";

const model::Incident* open_under(const World& world, const std::string& dedup_key) {
  for (const auto& [id, incident] : world.incidents.rows()) {
    if (incident.dedup_key == dedup_key) return &incident;
  }
  return nullptr;
}

// The address that a finding is about: what was pinged, what nobody reaches, a host that others
// look at. Empty: none.
std::string target_of(const model::Finding& finding) {
  if (finding.check.kind == model::CheckKind::ping) return finding.check.target;
  if (finding.check == agent_check()) return finding.subject;
  return address_looked_at(finding.check);
}

// One network target is one incident, however many hosts miss it; and so is a host that others look
// at.
bool is_about_a_target(const model::Finding& finding, Kind kind) {
  const bool of_the_way = kind == Kind::network || finding.check.kind == model::CheckKind::ping;
  return (of_the_way && !target_of(finding).empty()) || is_about_another(finding);
}

// Does a finding of this code count in it, and say so? What nobody reaches may only be suspected.
bool has(const World& world, const model::Incident& incident, std::string_view code,
         Duration stable, Instant now) {
  return std::any_of(incident.findings.begin(), incident.findings.end(), [&](FindingId id) {
    const model::Finding* finding = world.finding(id);
    return finding != nullptr && finding->code == code && finding->message.code == code &&
           counts(*finding, stable, now);
  });
}

const model::Incident* recent_of(const World& world, const model::Finding& finding, Kind kind,
                                 Instant now) {
  for (const auto& [id, incident] : world.incidents.rows()) {
    const bool same = incident.agent == finding.agent && incident.kind == to_string(kind) &&
                      incident.dedup_key.find(kTarget) == std::string::npos;
    if (same && !incident.recovered && now - incident.opened <= kJoinWindow) return &incident;
  }
  return nullptr;
}

bool are_many_silent(const World& world, Instant now) {
  std::size_t silent = 0;
  for (const auto& [agent, host] : world.hosts.rows()) {
    const bool lately =
        host.presence == model::Presence::silent && now - host.presence_since <= kJoinWindow;
    if (lately && !host.revoked && ++silent == kManySilent) return true;
  }
  return false;
}

std::string key_of_new(const World& world, const model::Finding& finding, Kind kind, Instant now) {
  if (is_about_a_target(finding, kind)) {
    return fmt::format("{}{}{}", to_string(kind), kTarget, target_of(finding));
  }
  if (kind == Kind::agent_silence && are_many_silent(world, now)) {
    return std::string(kManySilentKey);
  }
  return fmt::format("{}/{}", to_string(kind), finding.dedup_key);
}

Vantage vantage_of(const model::SitePolicy& policy, const model::Host& host) {
  const model::HostPolicy* known = model::host_policy(policy, host.name);
  return {host.agent, host.name, known == nullptr ? std::string() : known->rack};
}

// Which hosts miss a target, and does any reach it? While none misses it now, because all is good
// and only not yet for long enough, the others contradict nobody, but whom they contradicted.
struct Vantages {
  std::vector<Vantage> missing;
  bool missed_now = false;
  bool reached = false;
};

Vantages vantages_of(const World& world, const model::SitePolicy& policy,
                     const model::CheckRef& check, Instant now) {
  Vantages vantages;
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (host.revoked) continue;
    bool missing = false;
    for (const FindingId id : world.findings_of(agent, check)) {
      const model::Finding& finding = *world.finding(id);
      missing = missing || counts(finding, policy.stable, now);
      vantages.missed_now = vantages.missed_now || !finding.closed;
    }
    const bool reaching =
        host.presence == model::Presence::heard &&
        std::any_of(host.checks.begin(), host.checks.end(), [&](const model::CheckStatus& status) {
          return status.check == check && status.verdict == model::Verdict::normal;
        });
    if (missing) {
      vantages.missing.push_back(vantage_of(policy, host));
    } else if (reaching) {
      vantages.reached = true;
    }
  }
  return vantages;
}

std::optional<Confidence> confidence_from(const Vantages& vantages, bool racks_named,
                                          bool was_contradicted) {
  if (!vantages.missed_now && !was_contradicted) return std::nullopt;
  if (vantages.reached) return Confidence::contradicted;
  const bool confirmed = vantages.missed_now && are_independent(vantages.missing, racks_named);
  return confirmed ? std::optional(Confidence::confirmed) : std::nullopt;
}

// When a single source will have seen the finding for long enough. A finding that comes and goes
// has been seen since the incident began.
Instant confirmed_alone_at(const World& world, const model::SitePolicy& policy,
                           const model::Incident& incident, const model::Finding& finding) {
  const Instant begun =
      finding.recurrences > 0 ? incident.first_bad : std::max(finding.since, incident.first_bad);
  return begun + std::max(kConfirmedAlone, 2 * until_next_look(world, policy, finding));
}

// An agent that is heard again has to have looked since: its backlog may say that it is over.
Instant looked_again_at(const World& world, const model::SitePolicy& policy,
                        const model::Finding& finding) {
  const model::Host* host = world.hosts.find(finding.agent);
  if (host == nullptr || !model::is_of_hosts(finding.check.kind)) return finding.since;
  return host->presence_since + until_next_look(world, policy, finding);
}

// The findings that count; where any has an effect, those that have one: a silence does not confirm
// that the host is down.
std::vector<const model::Finding*> findings_to_confirm(const World& world,
                                                       const model::SitePolicy& policy,
                                                       const model::Incident& incident,
                                                       Instant now) {
  std::vector<const model::Finding*> all;
  std::vector<const model::Finding*> with_effect;
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || !counts(*finding, policy.stable, now)) continue;
    const auto meaning = meaning_of(finding->code, finding->message);
    all.push_back(finding);
    if (meaning && meaning->effect != Effect::none) with_effect.push_back(finding);
  }
  return with_effect.empty() ? all : with_effect;
}

Agreement agreement_of_one(const World& world, const model::SitePolicy& policy,
                           const model::Incident& incident, Instant now) {
  Agreement agreed;
  for (const model::Finding* finding : findings_to_confirm(world, policy, incident, now)) {
    const Instant lasted = confirmed_alone_at(world, policy, incident, *finding);
    const Instant due = std::max(lasted, looked_again_at(world, policy, *finding));
    // Of what was over before it was known the host recorded how long it was so.
    const bool recorded = finding->closed && incident.id.value == 0 && *finding->closed >= lasted;
    const bool watched = !finding->closed && is_watched(world, *finding);
    if (recorded || (watched && now >= due)) return {Confidence::confirmed, true, std::nullopt};
    if (watched && (!agreed.changes_at || due < *agreed.changes_at)) agreed.changes_at = due;
  }
  return agreed;
}

// What probes say of services that their own hosts call bad. One that does not answer either is
// down; of an incident all of it must answer.
std::optional<Confidence> confidence_by_probes(const World& world, const model::Incident& incident,
                                               Duration stable, Instant now) {
  bool good = false;
  bool other = false;
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || !counts(*finding, stable, now)) continue;
    const auto meaning = meaning_of(finding->code, finding->message);
    if (!meaning || meaning->effect == Effect::none) continue;
    const Probed said = finding->closed ? Probed::nothing : probed(world, *finding);
    if (said == Probed::bad) return Confidence::confirmed;
    good = good || said == Probed::good;
    other = other || said == Probed::nothing;
  }
  return good && !other ? std::optional(Confidence::contradicted) : std::nullopt;
}

const model::HostPolicy* asset_policy(const model::SitePolicy& policy,
                                      const model::Incident& incident,
                                      const model::Finding& finding) {
  const auto target =
      std::find_if(policy.hosts.begin(), policy.hosts.end(), [&](const model::HostPolicy& host) {
        const std::string about = target_of(finding);
        return !about.empty() && (host.host == about || host.address == about);
      });
  return target != policy.hosts.end() ? &*target : model::host_policy(policy, incident.host_name);
}

// How often it came back lately, the first of these times first.
std::vector<Instant> returns_of(const model::Finding& finding, Instant now) {
  std::vector<Instant> lately;
  for (const Instant at : finding.returned) {
    if (at + kRecurWindow > now) lately.push_back(at);
  }
  std::sort(lately.begin(), lately.end());
  return lately;
}

void add_to(GradeFacts& facts, const FindingMeaning& meaning) {
  // Fixable at once is what has an effect, all of it.
  if (meaning.effect != Effect::none) {
    facts.fixable_now = meaning.fixable && (facts.effect == Effect::none || facts.fixable_now);
  }
  facts.effect = std::max(facts.effect, meaning.effect);
  facts.access = std::max(facts.access, meaning.access);
  facts.impact = std::max(facts.impact, meaning.impact);
}

bool says(const model::Incident& incident, std::string_view name, std::string_view value) {
  const auto& facts = incident.explanation.facts;
  return std::any_of(facts.begin(), facts.end(), [&](const model::Parameter& fact) {
    return fact.name == name && fact.value == value;
  });
}

bool is_core(const GradeFacts& facts) {
  return facts.centre_critical || facts.criticality == model::Criticality::core;
}

// Core hosts with a confirmed interruption (rule A3): this incident's by its facts, the others' as
// they were graded last.
std::uint32_t core_hosts_interrupted(const World& world, const model::Incident& incident,
                                     const GradeFacts& facts) {
  std::set<std::string_view> hosts;
  for (const auto& [id, other] : world.incidents.rows()) {
    const bool counted =
        id != incident.id && !other.recovered && says(other, "effect", "interrupted") &&
        says(other, "confidence", "confirmed") &&
        (says(other, "criticality", "core") || says(other, "centre_critical", "yes"));
    if (counted) hosts.insert(other.host_name);
  }
  if (facts.effect == Effect::interrupted && facts.confidence == Confidence::confirmed &&
      is_core(facts)) {
    hosts.insert(incident.host_name);
  }
  return static_cast<std::uint32_t>(hosts.size());
}

// An estimate about an earlier interruption says nothing about this one.
void add_estimate(GradeFacts& facts, const model::Incident& incident) {
  if (!incident.estimate || incident.estimate->decided.at < incident.first_bad) return;
  facts.repair_estimate = incident.estimate->duration;
  facts.estimate_by_person = true;
  facts.bad_when_estimated = incident.estimate->decided.at - incident.first_bad;
}

}  // namespace

bool is_about_another(const model::Finding& finding) {
  return finding.check.kind != model::CheckKind::ping && !address_looked_at(finding.check).empty();
}

model::CheckRef agent_check() { return {model::CheckKind::collector, "agent"}; }

Belonging belongs_to(const World& world, const model::Finding& finding, Kind kind, Instant now) {
  if (world.incidents.find(finding.incident) != nullptr) return {finding.incident, {}};
  std::string key = key_of_new(world, finding, kind, now);
  if (const model::Incident* same = open_under(world, key)) return {same->id, {}};
  const bool shared = is_about_a_target(finding, kind) || key == kManySilentKey;
  if (!shared) {
    const std::string own = fmt::format("{}/{}", to_string(kind), finding.dedup_key);
    if (const model::Incident* same = open_under(world, own)) return {same->id, {}};
    if (const model::Incident* recent = recent_of(world, finding, kind, now)) {
      return {recent->id, {}};
    }
  }
  return {std::nullopt, std::move(key)};
}

bool counts(const model::Finding& finding, Duration stable, Instant now) {
  return !finding.closed || (!finding.unwatched && *finding.closed + stable > now);
}

Duration until_next_look(const World& world, const model::SitePolicy& policy,
                         const model::Finding& finding) {
  const model::Host* host = world.hosts.find(finding.agent);
  const model::HostPolicy* known =
      host == nullptr ? nullptr : model::host_policy(policy, host->name);
  if (known != nullptr) {
    for (const model::CheckDefinition& definition : known->checks) {
      if (definition.check == finding.check) return definition.interval + definition.deadline;
    }
  }
  return model::default_interval(finding.check.kind) + model::default_deadline(finding.check.kind);
}

bool is_watched(const World& world, const model::Finding& finding) {
  if (!model::is_of_hosts(finding.check.kind)) {
    // The collector's own look, which may have become blind to a host that it had asked about.
    return finding.message.code != "reach.cannot_tell";
  }
  const model::Host* host = world.hosts.find(finding.agent);
  if (host == nullptr || host->revoked || host->presence != model::Presence::heard) return false;
  return std::any_of(
      host->checks.begin(), host->checks.end(), [&](const model::CheckStatus& status) {
        return status.check == finding.check && status.verdict == model::Verdict::abnormal;
      });
}

Agreement agreement(const World& world, const model::SitePolicy& policy,
                    const model::Incident& incident, Instant now) {
  // A person who said so, or who registered it, has judged that it is real (procedure R-02).
  const bool by_person = model::is_real(incident.verdict) ||
                         (incident.registered && !incident.registered_by.name.empty());
  // Several places that are independent were asked, and nobody reaches it (procedure M-01).
  if (has(world, incident, "reach.host_down", policy.stable, now)) {
    return {Confidence::confirmed, true, std::nullopt};
  }
  // The collector may be mistaken about all but itself, however long that lasts.
  if (has(world, incident, kDark, policy.stable, now)) {
    return {by_person ? Confidence::confirmed : Confidence::suspected, false, std::nullopt};
  }
  const bool racks_named = names_racks(policy);
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || finding->check.kind != model::CheckKind::ping) continue;
    const auto confidence =
        confidence_from(vantages_of(world, policy, finding->check, now), racks_named,
                        says(incident, "confidence", "contradicted"));
    if (confidence) return {*confidence, true, std::nullopt};
  }
  if (by_person) return {Confidence::confirmed, false, std::nullopt};
  if (const auto confidence = confidence_by_probes(world, incident, policy.stable, now)) {
    return {*confidence, true, std::nullopt};
  }
  if (incident.confirmed) return {Confidence::confirmed, true, std::nullopt};
  return agreement_of_one(world, policy, incident, now);
}

std::optional<Assessment> assess(const World& world, const model::SitePolicy& policy,
                                 const model::Incident& incident, Instant now) {
  Assessment assessment;
  GradeFacts& facts = assessment.facts;
  facts.continuing = false;
  Instant bad_until = incident.first_bad;
  const model::HostPolicy* asset = nullptr;
  std::set<std::string_view> codes;
  const auto sooner = [&](std::optional<Instant> at) {
    if (at && (!assessment.changes_at || *at < *assessment.changes_at)) assessment.changes_at = at;
  };
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || !counts(*finding, policy.stable, now)) continue;
    const std::optional<FindingMeaning> meaning = meaning_of(finding->code, finding->message);
    if (!meaning) continue;
    if (codes.empty()) {
      facts.kind = meaning->kind;
      asset = asset_policy(policy, incident, *finding);
    }
    codes.insert(finding->code);
    add_to(facts, *meaning);
    const std::vector<Instant> returns = returns_of(*finding, now);
    facts.recurrences = std::max(facts.recurrences, static_cast<std::uint32_t>(returns.size()));
    if (!returns.empty()) sooner(returns.front() + kRecurWindow);
    facts.continuing = facts.continuing || !finding->closed;
    bad_until = std::max(bad_until, finding->closed.value_or(now));
    if (finding->closed) sooner(*finding->closed + policy.stable);
  }
  if (codes.empty()) return std::nullopt;
  if (asset != nullptr) {
    facts.criticality = asset->criticality;
    facts.centre_critical = asset->centre_critical;
  }
  // What is suspected on a core host is serious. A port that nobody approved may be somebody's work
  // of today: it waits for another sign that corroborates it.
  const bool only_a_port = codes == std::set<std::string_view>{"port.unexpected"};
  if (is_core(facts) && !only_a_port) facts.impact = Impact::serious;
  facts.bad_for = bad_until - incident.first_bad;
  add_estimate(facts, incident);
  const Agreement agreed = agreement(world, policy, incident, now);
  facts.confidence = agreed.confidence;
  assessment.confirmed_by_looks = agreed.by_looks && agreed.confidence == Confidence::confirmed;
  if (facts.continuing) sooner(agreed.changes_at);
  if (facts.effect == Effect::interrupted || facts.kind == Kind::environment) {
    facts.core_services_interrupted = core_hosts_interrupted(world, incident, facts);
  }
  return assessment;
}

}  // namespace tocsin::collector
