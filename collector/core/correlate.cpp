#include "collector/core/correlate.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "collector/core/darkness.hpp"
#include "collector/core/looked_at.hpp"
#include "collector/core/probes.hpp"

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

// Does a finding of this code count in it?
bool has(const World& world, const model::Incident& incident, std::string_view code,
         Duration stable, Instant now) {
  return std::any_of(incident.findings.begin(), incident.findings.end(), [&](FindingId id) {
    const model::Finding* finding = world.finding(id);
    return finding != nullptr && finding->code == code && counts(*finding, stable, now);
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

// How many hosts miss a target and how many reach it.
struct Vantages {
  std::size_t failing = 0;
  std::size_t reaching = 0;
};

Vantages vantages_of(const World& world, const model::CheckRef& check, Duration stable,
                     Instant now) {
  Vantages vantages;
  for (const auto& [agent, host] : world.hosts.rows()) {
    if (host.revoked) continue;
    const std::vector<FindingId> findings = world.findings_of(agent, check);
    const bool failing = std::any_of(findings.begin(), findings.end(), [&](FindingId id) {
      return counts(*world.finding(id), stable, now);
    });
    const bool reaching =
        host.presence == model::Presence::heard &&
        std::any_of(host.checks.begin(), host.checks.end(), [&](const model::CheckStatus& status) {
          return status.check == check && status.verdict == model::Verdict::normal;
        });
    if (failing) {
      ++vantages.failing;
    } else if (reaching) {
      ++vantages.reaching;
    }
  }
  return vantages;
}

std::optional<Confidence> confidence_from(const Vantages& vantages) {
  if (vantages.failing >= 2 && vantages.failing > vantages.reaching) return Confidence::confirmed;
  if (vantages.reaching > 0) return Confidence::contradicted;
  return std::nullopt;
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

Agreement agreement(const World& world, const model::Incident& incident, Duration bad_for,
                    Duration stable, Instant now) {
  // A person who said so, or who registered it, has judged that it is real (procedure R-02).
  const bool by_person = model::is_real(incident.verdict) ||
                         (incident.registered && !incident.registered_by.name.empty());
  // Several places were asked, and nobody reaches it (procedure M-01).
  if (has(world, incident, "reach.host_down", stable, now)) {
    return {Confidence::confirmed, std::nullopt};
  }
  // The collector may be mistaken about all but itself, however long that lasts.
  if (has(world, incident, kDark, stable, now)) {
    return {by_person ? Confidence::confirmed : Confidence::suspected, std::nullopt};
  }
  for (const FindingId id : incident.findings) {
    const model::Finding* finding = world.finding(id);
    if (finding == nullptr || finding->check.kind != model::CheckKind::ping) continue;
    const auto confidence = confidence_from(vantages_of(world, finding->check, stable, now));
    if (confidence) return {*confidence, std::nullopt};
  }
  if (!by_person) {
    const auto confidence = confidence_by_probes(world, incident, stable, now);
    if (confidence) return {*confidence, std::nullopt};
  }
  if (by_person || bad_for >= kConfirmedAlone) {
    return {Confidence::confirmed, std::nullopt};
  }
  return {Confidence::suspected, incident.first_bad + kConfirmedAlone};
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
  // Signs of different kinds on a core host corroborate each other.
  const bool core = facts.centre_critical || facts.criticality == model::Criticality::core;
  if (core && codes.size() > 1) facts.impact = Impact::serious;
  facts.bad_for = bad_until - incident.first_bad;
  add_estimate(facts, incident);
  const Agreement agreed = agreement(world, incident, facts.bad_for, policy.stable, now);
  facts.confidence = agreed.confidence;
  if (facts.continuing) sooner(agreed.changes_at);
  return assessment;
}

}  // namespace tocsin::collector
