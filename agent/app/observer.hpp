// The observer process of the agent: runs the host's checks and writes what changed to the spool.
//
// One thread decides; checks run on a bounded pool beside it. A run past its deadline is reported
// as timed_out at once and its check stays marked stuck until the run ends, so that it delays no
// other. A fact row is written when what a check saw differs from the run before (or is the first
// of this boot); an unchanged run only moves the check's row, from which the link makes heartbeats.
// Requests of the collector are done at most once and answered, of a check that the host has by
// that check's next run; what the host does not allow is refused and reported. Only checks read of
// the network, answers to what they asked.
#pragma once

#include <functional>
#include <stop_token>

#include "agent/app/observer_config.hpp"
#include "agent/checks/check.hpp"
#include "agent/spool/spool.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Which check looks at a kind; tests put their own here.
using Catalog = std::function<const CatalogEntry&(model::CheckKind)>;

// Runs until `stop` asks, then waits for running checks at most config.stop_grace and returns; wire
// SIGTERM to `stop`. A run that is stuck even then keeps its thread, so `time` must live as long as
// the process, which should end soon. Thread: the caller's; `spool` is used only on it. Errors:
// when the spool cannot be read or written at the start; later its failures are logged and tried
// again, but for data_loss where it has to be opened again (Spool::must_reopen()).
Status run_observer(const ObserverConfig& config, Spool& spool, const time::TimeSource& time,
                    std::stop_token stop, const Catalog& catalog = catalog_entry);

}  // namespace tocsin::agent
