// A running collector: its parts, the order in which they start, and the reverse in which they
// stop.
//
// Tests construct one with port 0 and a folder of their own; the program's `run` is a few lines
// around it (run.hpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/app/liveness.hpp"
#include "collector/config/collector_config.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

class Collector {
 public:
  // Starts everything; on an error what was started is stopped again in reverse. `time` must
  // outlive it. Errors say which part, on what, and why.
  static Result<std::unique_ptr<Collector>> start(const CollectorConfig& config,
                                                  const time::TimeSource& time);
  // Stops accepting, lets what was accepted be answered and judged, closes the stores.
  virtual ~Collector() = default;

  struct Ports {
    int agents = 0;
    int enroll = 0;
    int operators = 0;
  };
  virtual Ports ports() const = 0;

  // Reads the site policy file again and journals it when it changed. Errors: those of the file;
  // the policy in force stays.
  virtual Status reload_policy() = 0;

  // Called every few seconds: starts what is due (old journal segments go, once a day; the files
  // of certificates are looked at, every minute).
  virtual void tend() = 0;

  // How often the threads that every entry passes through went round. Thread-safe.
  virtual std::vector<Turns> turns() const = 0;

  // Set when a part cannot go on (a store is damaged): the process should end and say so.
  virtual std::optional<Error> failure() const = 0;
};

}  // namespace tocsin::collector
