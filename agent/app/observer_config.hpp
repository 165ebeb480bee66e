// What the observer is told at its start: plain values, read from the host's own file by the
// caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/config/settings.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

struct ObserverConfig {
  // The host's own file. Whether somebody works on the host is read from it again before each
  // restart; empty: as in `settings`.
  std::string own_file;

  // The host's own checks. They win over what the collector assigns for the same kind and target.
  std::vector<model::CheckDefinition> checks;

  // The most that this host allows the collector: kinds it may assign or ask for, and how often.
  // An assigned check of another kind is refused and reported; a shorter interval becomes this one.
  std::vector<model::CheckKind> allow;
  Duration min_interval = 1s;
  // Where files may lie whose audit_log and warnings checks the collector assigns or
  // asks for.
  std::vector<std::string> log_folders{"/var/log"};

  HostSettings settings;  // of single checks

  std::string snapshots = "/var/lib/tocsin-agent/snapshots";  // before a restart
  // What evidence is signed with and where it waits for the link; who signs it, in its manifest.
  std::string evidence_folder = "/var/lib/tocsin-agent/evidence";
  std::string key_file = "/var/lib/tocsin-agent/agent.key";
  std::string host_name;
  std::string operating_system;
  std::string samples_file;              // where the curves are kept for the link; empty: nowhere
  std::string root = "/";                // of the host's files; tests put a folder here
  std::string version = TOCSIN_VERSION;  // told in the agent.started fact

  std::size_t workers = 2;     // checks that run at the same time
  std::size_t most_stuck = 8;  // runs past their deadline that may linger besides, each a thread
  // What the collector requests runs beside the host's own checks: so many at the same time, and
  // one more thread for a restart or a run that is stuck. So many wait; more are refused.
  std::size_t request_workers = 2;
  std::size_t most_requests = 32;
  std::uint64_t jitter_seed = 0;  // 0: random
  // How often requests and assignments are looked for that no bell told of; where there is none,
  // ten times as often.
  Duration spool_poll = 5s;
  Duration flush = 5s;       // at most this late an unchanged run is noted in the spool
  Duration stop_grace = 2s;  // how long a stop waits for running checks
};

}  // namespace tocsin::agent
