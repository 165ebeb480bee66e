// What both of the agent's processes do when they start.
#pragma once

#include <memory>

#include "agent/config/agent_config.hpp"
#include "agent/spool/spool.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

Result<std::unique_ptr<Spool>> open_spool(const AgentConfig& config);
void say_started(const char* event, const AgentConfig& config);

}  // namespace tocsin::agent
