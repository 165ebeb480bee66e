// What the agent's two programs share: how one is run and how its end becomes an exit code (0 done,
// 1 failed, 2 usage).
#pragma once

#include <string>

#include "agent/config/agent_config.hpp"
#include "common/base/result.hpp"
#include "common/systemd/stop_signal.hpp"

namespace tocsin::agent {

// Says on standard error what went wrong.
int report(const Status& status);

// One of the long-running processes, until SIGTERM.
using Process = Status (*)(const AgentConfig&, systemd::StopSignal&);
int run_process(const std::string& config_file, Process process);

// The host's own file, where there is one: for commands that also work before it is written.
Result<AgentConfig> config_if_any(const std::string& file);
std::string host_name_of(const AgentConfig& config);

// The path of a program that is installed beside this one. Errors: not_found.
Result<std::string> program_beside(const char* name);

}  // namespace tocsin::agent
