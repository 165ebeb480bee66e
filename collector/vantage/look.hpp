// The collector as a vantage point of its own (procedure M-01): pings from where it stands, with
// the same code as the agents.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "collector/ports/intake.hpp"
#include "common/model/fact.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

// Looks now, as each of `requests` says, whose act is a check, at all of them together, and blocks
// until the shortest of their deadlines at most. Returns the entries to be journaled, in their
// order; a look that could not see says why. `root`: where this machine's files are.
std::vector<PendingEntry> look(const std::vector<model::Request>& requests, const std::string& root,
                               const time::TimeSource& time, std::stop_token stop);

}  // namespace tocsin::collector
