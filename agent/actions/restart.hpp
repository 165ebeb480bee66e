// One attempt to restart a service (procedure M-03), evidence first: what its processes were is
// kept in a file, its program must be what its package installed, and how it went is looked at
// afterwards. Whether it is allowed at all is restart_limits'; the caller counts the attempt
// before.
#pragma once

#include <stop_token>
#include <string>

#include "common/base/instant.hpp"
#include "common/model/fact.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct RestartPlace {
  const time::TimeSource& time;
  std::string root = "/";
  std::string snapshots;  // the folder that keeps them
  Duration limit = 60s;   // of the whole attempt
  std::stop_token stop = {};
};
struct RestartOutcome {
  model::RequestOutcome outcome = model::RequestOutcome::failed;
  model::Message detail;  // action.restarted, action.restart_failed, action.binary_changed, …
};

// Blocks up to place.limit. Never lifts systemd's own limit of starts (`reset-failed`).
RestartOutcome restart_service(const std::string& unit, const RestartPlace& place);

}  // namespace tocsin::agent
