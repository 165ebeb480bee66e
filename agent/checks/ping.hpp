// Whether an address answers (procedure M-01). Target: an IP address, never a name.
//
// Where nothing answers, the vantage's own default gateway is asked too, so that the collector can
// tell a host that is gone from an observer that is cut off.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
