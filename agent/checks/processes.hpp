// What runs on this host (procedure M-09): one pass over /proc, about 20 us a process
// (five times as much at the first look).
//
// A process that cannot be looked into (not_permitted) is still listed with what everybody may see.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_processes(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
