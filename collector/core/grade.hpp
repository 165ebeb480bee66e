// The procedure's severity table 附表一 as rules over facts. Pure; integers only; total: every
// combination of facts gives a grade, and more harm never gives a milder one (property-tested).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/incident.hpp"
#include "common/model/policy.hpp"
#include "common/model/severity.hpp"

namespace tocsin::collector {

enum class Kind : std::uint8_t {
  availability,
  performance,
  network,
  physical_access,
  logical_access,
  malware,
  audit_gap,
  environment,
  backup_job,
  capacity,
  change,
  agent_silence,
};
std::string_view to_string(Kind kind);

enum class Effect : std::uint8_t { none, degraded, stalled, interrupted };
enum class Confidence : std::uint8_t { contradicted, suspected, confirmed };
std::string_view to_string(Confidence confidence);
enum class Access : std::uint8_t { none, suspected, confirmed };
enum class Impact : std::uint8_t { limited, serious };

struct GradeFacts {
  Kind kind = Kind::availability;
  model::Criticality criticality = model::Criticality::unknown;
  bool centre_critical = false;
  Effect effect = Effect::none;
  Confidence confidence = Confidence::suspected;
  Duration bad_for{};                       // D: since first bad
  std::optional<Duration> repair_estimate;  // ETR, from when it was given
  Duration bad_when_estimated{};            // D at that time
  bool estimate_by_person = false;
  Access access = Access::none;
  Impact impact = Impact::limited;
  bool fixable_now = false;
  bool contained = false;         // malware
  std::uint32_t recurrences = 0;  // in 24 h
  bool continuing = true;
  bool redundancy_lost = false;
  bool room_wide = false;  // power, cooling, fire, water, core network
  std::uint32_t core_services_interrupted = 0;
};

struct GradeLimits {
  Duration grade_short = 30min;
  Duration grade_day = 24h;
  std::uint32_t recurrences = 3;
};

// The proposal with every rule that hit, the nearest miss, and what would change it by itself and
// when (`now` + the wait). `Severity::none`: no incident, an event only (D-01).
model::GradeExplanation grade(const GradeFacts& facts, const GradeLimits& limits, Instant now);

// What a finding's code says in these facts: a table shipped with the rules (severity facts of
// "port.unexpected", "service.inactive", …). nullopt: the code does not grade.
struct FindingMeaning {
  Kind kind = Kind::availability;
  Effect effect = Effect::none;
  Access access = Access::none;
  Impact impact = Impact::limited;
  bool fixable = false;      // a person can undo the effect at once
  bool of_one_look = false;  // it may pass by itself: it counts where the next look sees it too
  friend bool operator==(const FindingMeaning&, const FindingMeaning&) = default;
};
std::optional<FindingMeaning> meaning_of(std::string_view finding_code);
// Every code of that table, sorted: those that can head an incident.
std::vector<std::string_view> graded_codes();

// The same, with what the finding's message adds: a corroborated port or program (its parameter
// "why" names a file that anyone can write, memory only, an imitated kernel thread) has serious
// impact; a program that is merely outside the system's folders is no access at all. A certificate
// that ends within days is a delay that can be handled at once; with the server's or the
// authority's nobody gets in any more.
std::optional<FindingMeaning> meaning_of(std::string_view finding_code,
                                         const model::Message& message);

}  // namespace tocsin::collector
