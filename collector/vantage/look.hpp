// The collector as a vantage point of its own (procedure M-01): pings from where it stands, with
// the same code as the agents.
#pragma once

#include <stop_token>
#include <string>

#include "collector/ports/intake.hpp"
#include "common/model/fact.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

// Looks now, as `request` says, whose act is a check, and blocks until its deadline at most.
// Returns the entry to be journaled; a look that could not see says why. `root`: where this
// machine's files are.
PendingEntry look(const model::Request& request, const std::string& root,
                  const time::TimeSource& time, std::stop_token stop);

}  // namespace tocsin::collector
