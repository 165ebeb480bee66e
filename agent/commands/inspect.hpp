// What the agent's administrator asks on the host. Blocks; reads only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config/agent_config.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// A line "name value" for each thing worth knowing: identity, certificate, spool. What cannot be
// read is said in its line.
std::string status_text(const AgentConfig& config, Instant now);

// What the observer remembers of a check; nothing where there is no spool, or nothing in it.
// Errors: data_loss (a damaged spool) and others that keep it from being read.
Result<std::optional<std::string>> remembered(const AgentConfig& config,
                                              const model::CheckRef& check);

// Looks at the sockets once and proposes a baseline for the site policy. Errors: what kept the
// check from seeing.
Result<std::string> propose_baseline(std::string_view name, std::uint32_t version,
                                     const time::TimeSource& time);

}  // namespace tocsin::agent
