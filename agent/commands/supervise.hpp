// Runs the agent's two processes as children of one, for hosts without a service manager and for
// trying things. Where there is systemd, its units run them apart, each with fewer rights.
#pragma once

#include <string>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/systemd/stop_signal.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct Child {
  std::string name;                    // for the log
  std::vector<std::string> arguments;  // argv, with the program's path first
};

struct SupervisorLimits {
  Duration first_pause = 500ms;  // before a child that ended is started again; doubled each time
  Duration longest_pause = 30s;
  Duration healthy_after = 60s;  // ran this long: the next pause is the first again
  Duration stop_grace = 15s;     // from SIGTERM to SIGKILL
};

// Starts the children and starts each again when it ends, until a stop is asked for; then stops
// them with SIGTERM and waits. A child whose parent dies gets SIGTERM too. Call it on the main
// thread. Errors: when a process cannot be made.
Status supervise(const std::vector<Child>& children, const SupervisorLimits& limits,
                 const time::TimeSource& time, systemd::StopSignal& stop);

}  // namespace tocsin::agent
