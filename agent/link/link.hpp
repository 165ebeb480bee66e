// The agent's link process: takes facts from the spool to the collector, and what the collector
// asks down into the spool. It looks at nothing on the host and acts on nothing.
//
// Facts go up in numbered batches within the collector's window; a row leaves the spool when the
// collector has committed it. After any interruption the collector says from where to go on, so
// nothing is lost and nothing takes effect twice. Heartbeats wait for no fact.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/spool/spool.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct LinkConfig {
  // "host:port"; the first to be tried is any of them, then each next when one fails.
  std::vector<std::string> collectors;
  std::string server_name;       // in the collectors' certificates; empty: the address's host
  std::string certificate_file;  // PEM; replaced when it is renewed, so its folder is ours
  std::string private_key_file;
  std::string authorities_file;
  std::string spool_file;       // whose changes mean new rows
  std::string baseline_file;    // the approved one, kept for `diagnose`; empty: not kept
  std::string evidence_folder;  // where collections wait; empty: none is sent
  std::string samples_file;     // of the observer's curves; empty: none are sent
  std::string agent_version;
  std::string host_name;
  std::string operating_system;
  std::string boot_id;
  Duration retry_first = 500ms;  // doubled, with jitter
  Duration retry_longest = 60s;
  Duration clock_asked_within = 10s;  // while waiting: what the watchdog takes for progress
  Duration answer_within = 15s;       // to Hello; includes connecting
  // While a stream lasts, whether its certificate is to be renewed: also after the clock was set.
  Duration look_at_certificate = 1h;
  Duration samples_every = 10s;  // how often new points of curves are looked for
  std::uint32_t batch_facts = 1024;
  std::size_t batch_bytes = 2 << 20;
};

// Runs until `stop`, on the calling thread with gRPC's threads behind it. Trouble with the
// collector is logged and tried again; an error is trouble that a new process may not have:
// invalid_argument (the configuration), data_loss and others of the spool. All references must
// outlive the call.
Status run_link(const LinkConfig& config, Spool& spool, const time::TimeSource& time,
                std::stop_token stop);

}  // namespace tocsin::agent
