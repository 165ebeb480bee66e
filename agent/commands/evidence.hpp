// Evidence taken on the host by its administrator, with no collector (procedure M-11).
#pragma once

#include <stop_token>
#include <string>

#include "agent/config/agent_config.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct EvidenceRequest {
  std::string folder;
  int since_hours = 24;
  std::string asked_by;  // empty: the name of this login
  std::string reason;
};

// Collects into the folder, which must not exist, and says what was taken and how it is verified.
// The host's own limits of size hold; whether the collector may ask does not matter here. Errors:
// already_exists, as the system says.
Result<std::string> take_evidence_here(const AgentConfig& config, const EvidenceRequest& request,
                                       const time::TimeSource& time, std::stop_token stop);

}  // namespace tocsin::agent
