// The collector as a daemon: starts it, tells the service manager, waits for signals, stops it.
#pragma once

#include "collector/config/collector_config.hpp"
#include "common/base/result.hpp"
#include "common/systemd/stop_signal.hpp"

namespace tocsin::collector {

// Returns after SIGTERM or SIGINT and a clean stop. SIGHUP reads the site policy again; a policy
// that cannot be used is reported and the one in force stays. Errors: those of Collector::start,
// and of a part that could not go on.
Status run(const CollectorConfig& config, systemd::StopSignal& stop);

}  // namespace tocsin::collector
