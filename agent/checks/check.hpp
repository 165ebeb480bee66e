// A check = x_facts (pure: bytes to facts) + x (I/O) + one line in catalog.cpp.
//
// A check reads and, but for a record of our own in a log (audit_log), never writes; it talks to no
// third parties and starts no program but those of the host's own file (plugin, scanner). It runs
// on a worker thread with a deadline of its own; one that is stuck delays no other. Errors become
// an Observation whose outcome says why it could not see.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"
#include "common/series/sample.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// What a check keeps between its runs in one life of the agent: caches, never the only copy.
struct CheckMemory {
  virtual ~CheckMemory() = default;
};

namespace os {
class Packages;
}

// What a check may use. `memory` survives between runs of the same check; `new_cursor`, where a run
// sets it, also a restart: it is committed with the observation's fact. One run at a time has it.
struct CheckContext {
  const time::TimeSource& time;
  std::stop_token stop;                      // the deadline passed, or the agent stops
  std::string root = "/";                    // of the host's files; tests put a folder here
  std::optional<std::string> cursor;         // as committed by the last run that set it
  std::optional<std::string> new_cursor;     // set by the check: commit this with the observation
  std::unique_ptr<CheckMemory> memory;       // made by the check at its first run
  HostSettings settings = {};                // of the host's own file
  std::vector<series::Sample> samples = {};  // set by the check: points of curves that may be lost
  // What all checks of the host ask for whose a program is; none: a check makes its own.
  std::shared_ptr<os::Packages> packages = {};
  bool requested = false;  // this run was asked for, it is not only due
};

using RunCheck = std::function<model::Observation(const model::CheckDefinition&, CheckContext&)>;

// Checks of one kind in one run, where that takes hardly longer than one of them alone: an
// observation for each, in their order. They share deadline and stop.
using RunTogether = std::function<std::vector<model::Observation>(
    const std::vector<model::CheckDefinition>&, const std::vector<std::shared_ptr<CheckContext>>&)>;

// A cheap look between runs: true where a run would see something new, which is then due at once.
// On a thread that all glances share, never while the check runs; far below a millisecond, and it
// never waits. Runs that it brings forward take at most a fifteenth of a processor.
using Glance = std::function<bool(CheckContext&)>;

struct CatalogEntry {
  model::CheckKind kind;
  RunCheck run;
  Glance glance = nullptr;
  Duration glance_every = 1s;
  RunTogether run_together = nullptr;
  // What one run leaves in its cursor holds for the next, whoever asks for it: a login that was
  // turned down is not tried again so soon, a backup's slow test is not made twice.
  bool one_memory = false;
  Duration glance_every_told = 1s;  // where the kernel tells when it is time to (glances.hpp)
};

// The check that looks at this kind; every kind of model::kCheckKinds has one.
const CatalogEntry& catalog_entry(model::CheckKind kind);

}  // namespace tocsin::agent
