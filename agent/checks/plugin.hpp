// Runs a Nagios plugin that the host's own file names: power, temperature, doors, whatever a site
// has. No shell, the plugin's capabilities are none of ours, its time and output are bounded.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_plugin(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
