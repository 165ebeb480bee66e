// The process that looks at the host, put together from the host's own file.
#pragma once

#include "agent/config/agent_config.hpp"
#include "common/base/result.hpp"
#include "common/systemd/stop_signal.hpp"

namespace tocsin::agent {

// Runs until `stop`, on the calling thread, and tells the service manager. Errors: what a new
// process may not meet again; the service manager or supervise() starts one.
Status run_observer_process(const AgentConfig& config, systemd::StopSignal& stop);

}  // namespace tocsin::agent
