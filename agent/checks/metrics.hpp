// How this host fares (memory, disks, clock, load, network), from the kernel and without starting
// anything. What tells something becomes facts; the exact numbers become curves beside the journal.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_metrics(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
