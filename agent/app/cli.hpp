// What the agent's two programs share: how a command is declared, run and how its end becomes an
// exit code (0 done, 1 failed, 2 usage).
#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "agent/config/agent_config.hpp"
#include "common/base/result.hpp"
#include "common/systemd/stop_signal.hpp"

namespace tocsin::agent {

inline constexpr const char* kConfigFile = "/etc/tocsin/agent.toml";

using Command = std::function<int()>;

// Says on standard error what went wrong.
int report(const Status& status);

// Declares a subcommand; when it is the one that was given, `chosen` becomes `act`.
CLI::App* add_command(CLI::App& parent, const char* name, const char* help, Command act,
                      Command& chosen);
void add_config(CLI::App* command, std::string& file);

// Reads the arguments and does what they ask. Its result is the exit code.
int run_program(CLI::App& app, int argc, char** argv, const Command& chosen);

// One of the long-running processes, until SIGTERM.
using Process = Status (*)(const AgentConfig&, systemd::StopSignal&);
int run_process(const std::string& config_file, Process process);

// The host's own file, where there is one: for commands that also work before it is written.
Result<AgentConfig> config_if_any(const std::string& file);
std::string host_name_of(const AgentConfig& config);

// The path of a program that is installed beside this one. Errors: not_found.
Result<std::string> program_beside(const char* name);

}  // namespace tocsin::agent
