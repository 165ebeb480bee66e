// The collector's process configuration: paths, ports, TLS. What decides is the site policy
// (common/config/site_policy.hpp), and is journaled; this is not. deploy/examples/collector.toml
// shows every key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {

struct CollectorConfig {
  std::string directory = "/var/lib/tocsin";  // journal, state, tokens
  std::string site_policy = "/etc/tocsin/site.toml";
  log::Level log_level = log::Level::info;
  std::uint32_t keep_days = 400;  // of the journal; 0: all of it

  // Evidence is never removed by itself: what does not fit is refused, and said.
  std::uint64_t evidence_mib = 20'480;            // of all of it
  std::uint64_t evidence_agent_mib = 2'048;       // of one agent
  std::uint64_t evidence_collection_mib = 1'024;  // of one collection
  std::uint64_t evidence_free_mib = 1'024;        // left free on the disk

  // Port 0: any free one, printed at start.
  std::string listen_agents = "0.0.0.0:8444";     // mutual TLS, agents' certificates
  std::string listen_enroll = "0.0.0.0:8445";     // TLS, one-time tokens
  std::string listen_operators = "0.0.0.0:8443";  // mutual TLS, operators' certificates
  std::string enroll_address;                     // host:port that agents are told; required

  std::string certificate_file;    // the server's, followed by its authority's
  std::string key_file;            // mode 0600
  std::string authority_file;      // the site's own CA
  std::string authority_key_file;  // mode 0600
  std::string revocation_file;     // fingerprints of revoked operators; empty: none

  std::string evidence_folder() const { return directory + "/evidence"; }
  std::string token_folder() const { return directory + "/enroll-tokens"; }
  // Where operators' keys are made: beside the authority.
  std::string operators_folder() const;
  friend bool operator==(const CollectorConfig&, const CollectorConfig&) = default;
};

// Errors: invalid_argument with every mistake, one a line, each with name:line:column.
Result<CollectorConfig> read_collector_config(std::string_view toml, std::string_view name);
// The same from a file of at most 1 MiB.
Result<CollectorConfig> load_collector_config(const std::string& path);
// The values that hold, defaults included, as TOML that reads back to the same. No secrets: keys
// are files.
std::string print_config(const CollectorConfig& config);

}  // namespace tocsin::collector
