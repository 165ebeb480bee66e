// Whether an address answers (procedure M-01; common/net/ping.hpp). Target: an IP address, never a
// name.
#pragma once

#include <memory>
#include <vector>

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context);
// Any number of addresses in the time of one.
std::vector<model::Observation> observe_pings(
    const std::vector<model::CheckDefinition>& checks,
    const std::vector<std::shared_ptr<CheckContext>>& contexts);

}  // namespace tocsin::agent
