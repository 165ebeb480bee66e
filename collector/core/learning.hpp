// What hosts show, remembered: which listeners, programs and units were there, from when to when
// and how often, so that a baseline can be proposed from it (procedure M-07, M-09). Bounded for
// each host; what there was no room for is counted.
#pragma once

#include "collector/core/world.hpp"
#include "common/model/baseline.hpp"
#include "common/model/check.hpp"

namespace tocsin::collector {

// Not there for so long: forgotten.
inline constexpr Duration kLearnedKept = 90 * 24h;

// An observation of sockets or processes that saw something; others change nothing. `at`: when it
// was true on the host. Costs a change of the host's row only where something came or went.
void learn(World& world, const AgentId& agent, const model::Observation& observation, Instant at);

// How it was there until `now`, which counts what is there still.
model::Sightings seen_until(const model::LearnedEntry& learned, Instant now);

// A person judged the incident: what its findings are about is not proposed any more where it is
// real (procedure R-02), and again where it is a false alarm or a fault.
void remember_verdict(World& world, const model::Incident& incident);

}  // namespace tocsin::collector
