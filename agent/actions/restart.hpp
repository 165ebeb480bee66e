// One attempt to restart a service (procedure M-03), evidence first: what its processes were is
// kept in a file, its program must be what its package installed, and how it went is looked at
// afterwards: the unit must be up and stay so, and where the host's own file names a probe for it,
// the service must answer. Whether it is allowed at all is restart_limits'; the caller counts the
// attempt before.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "common/base/instant.hpp"
#include "common/model/fact.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Whether a service answers, in its own protocol.
struct ProbeAnswer {
  bool answers = false;
  model::Message why;  // where it does not
};
struct RestartProbe {
  std::string target;  // as of an answer check; empty: the unit's state is all there is to look at
  Duration within = 10s;  // from when the unit is up
  // Asks once, within this time.
  std::function<ProbeAnswer(Duration)> ask = {};
};

struct RestartPlace {
  const time::TimeSource& time;
  std::string root = "/";
  std::string snapshots;  // the folder that keeps them
  Duration limit = 60s;   // of the whole attempt
  std::stop_token stop = {};
  RestartProbe probe = {};
};
struct RestartOutcome {
  model::RequestOutcome outcome = model::RequestOutcome::failed;
  // action.restarted, action.restarted_answers, action.no_answer, action.restart_failed, …
  model::Message detail;
};

// Blocks up to place.limit. Never lifts systemd's own limit of starts (`reset-failed`).
RestartOutcome restart_service(const std::string& unit, const RestartPlace& place);

}  // namespace tocsin::agent
