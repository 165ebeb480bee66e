// The agent's file on its host; deploy/examples/agent.toml shows every key. Read by both processes,
// written by none: what it allows is the most that the collector may ask of this host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.hpp"
#include "common/base/result.hpp"
#include "common/log/log.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

struct AgentConfig {
  std::string directory = "/var/lib/tocsin-agent";  // spool, key and certificates
  std::string host_name;                            // empty: the system's
  log::Level log_level = log::Level::info;
  std::uint64_t spool_max_bytes = 256ULL << 20;

  // Where collectors listen for agents, tried in turn; empty: facts stay in the spool.
  std::vector<std::string> collectors;
  std::string server_name;  // in the collector's certificate, where it is not the address

  // The most that the collector may ask.
  std::vector<model::CheckKind> allowed_kinds{model::kCheckKinds.begin(), model::kCheckKinds.end()};
  Duration shortest_interval = 5s;
  std::vector<std::string> log_folders{"/var/log"};  // of audit_log and warnings checks

  HostSettings settings;  // of single checks

  std::string file;  // of a process that goes on: what it was loaded from. No key of it

  // What runs whatever the collector assigns.
  std::vector<model::CheckDefinition> checks;

  std::string spool_file() const { return directory + "/spool.db"; }
  std::string baseline_file() const { return directory + "/baseline"; }
  std::string samples_file() const { return directory + "/curves"; }
  std::string snapshots_folder() const { return directory + "/snapshots"; }
  std::string evidence_folder() const { return directory + "/evidence"; }
  std::string key_file() const { return directory + "/agent.key"; }
  std::string certificate_file() const { return directory + "/agent.pem"; }
  std::string authorities_file() const { return directory + "/ca.pem"; }
  friend bool operator==(const AgentConfig&, const AgentConfig&) = default;
};

// Errors: invalid_argument with every mistake, one a line, each with name:line:column.
Result<AgentConfig> read_agent_config(std::string_view toml, std::string_view name);
// The same from a file of at most 1 MiB.
Result<AgentConfig> load_agent_config(const std::string& path);
// The values that hold, defaults included, as TOML that reads back to the same.
std::string print_config(const AgentConfig& config);

}  // namespace tocsin::agent
