// Which checks a host runs and when. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/app/observer_config.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

struct RefusedCheck {
  model::CheckDefinition check;
  model::Message why;
};
// Each check once, sorted by kind and target in its list; at most limits::kChecks in both.
struct CheckPlan {
  std::vector<model::CheckDefinition> checks;
  // Of those assigned, what the host does not allow: nothing is looked at, and that is told as of a
  // check that may not look.
  std::vector<RefusedCheck> refused;
  std::size_t too_many = 0;  // of those assigned, for which there is no place in either
};
// The host's own checks, then those assigned that it allows, then those it refuses. Intervals and
// deadlines are brought into what makes sense: 100 ms to a day, at least min_interval where
// assigned; a deadline of 100 ms to 10 min. Where nothing is assigned, the host's own decide. What
// is assigned for a check of the host's own adds the ports whose sources are to be exact, no more.
CheckPlan plan_checks(const ObserverConfig& config,
                      const std::vector<model::CheckDefinition>& assigned);

// What a request asks for, in the same bounds. Nothing where the host does not allow it,
// unless the very same check is one of the host's own.
bool request_allowed(const ObserverConfig& config, const model::CheckRef& check);
model::CheckDefinition bounded(model::CheckDefinition check, Duration min_interval);

// A check's first run, within a second: together with `random` (any number) it spreads agents that
// start at once.
MonoTime first_run(MonoTime now, Duration interval, std::uint64_t random);
// The run after one that was due at `due`: an interval later, up to 5 % sooner or later. A run that
// took longer than the interval is followed an interval after its end; nothing is caught up.
MonoTime next_run(MonoTime due, Duration interval, MonoTime now, std::uint64_t random);

}  // namespace tocsin::agent
