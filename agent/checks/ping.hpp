// Whether an address answers (procedure M-01; common/net/ping.hpp). Target: an IP address, never a
// name.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
