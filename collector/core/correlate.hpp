// Stage 2, first half: which findings are one incident, how far they confirm each other, and what
// the grading table is asked about them. Pure questions about the world; nothing is changed here.
#pragma once

#include <optional>
#include <string>

#include "collector/core/grade.hpp"
#include "collector/core/world.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// Findings of one kind on one host that begin within this time are one incident.
inline constexpr Duration kJoinWindow = 10min;
// So many agents silent within the window are one incident of the site, not one each.
inline constexpr std::size_t kManySilent = 3;
// A fault that only one source reports counts as confirmed when that source has seen it this long,
// and for two of its looks at least.
inline constexpr Duration kConfirmedAlone = 3min;

// What came back is counted for this long.
inline constexpr Duration kRecurWindow = 24h;

// The collector's own look at an agent, as a check: findings about silence and clones carry it.
model::CheckRef agent_check();

// Does it tell about a host that another host looked at: its ports, its answers, its logins? Pings
// have rules of their own, for they may tell about the way.
bool is_about_another(const model::Finding& finding);

// Where a finding belongs: an incident that is open, or a new one under `dedup_key`.
struct Belonging {
  std::optional<IncidentId> existing;
  std::string dedup_key;
};
Belonging belongs_to(const World& world, const model::Finding& finding, Kind kind, Instant now);

// Does the finding still count for its incident? It does while it is open and, so that a flapping
// one neither ends nor softens the incident, until it has been good for `stable`. One that nobody
// looks at any more does not: what is left of it is its incident's `unwatched`.
bool counts(const model::Finding& finding, Duration stable, Instant now);

// From one look of the finding's check to the end of the next one: as the policy assigns it, else
// as its kind is looked at where nobody says. How often a host's own file has it is not known here.
Duration until_next_look(const World& world, const model::SitePolicy& policy,
                         const model::Finding& finding);
// Does whoever found it still look, and see it? Not where the agent is silent, or its check cannot
// tell any more: time alone confirms nothing.
bool is_watched(const World& world, const model::Finding& finding);

// Agreement between vantage points (severity: corroboration), and when it changes by itself.
// Confirmed by two that are independent (reach.hpp) and none that reaches it, by a person, or by
// one source alone that has seen it for long enough. What looks have confirmed stays confirmed in
// this interruption until another look contradicts it.
struct Agreement {
  Confidence confidence = Confidence::suspected;
  bool by_looks = false;  // what confirms it are looks, not a person
  std::optional<Instant> changes_at;
};
Agreement agreement(const World& world, const model::SitePolicy& policy,
                    const model::Incident& incident, Instant now);

// What the grading table is asked. nullopt: no finding counts any more.
struct Assessment {
  GradeFacts facts;
  bool confirmed_by_looks = false;
  std::optional<Instant> changes_at;  // the facts change by themselves then
};
std::optional<Assessment> assess(const World& world, const model::SitePolicy& policy,
                                 const model::Incident& incident, Instant now);

}  // namespace tocsin::collector
