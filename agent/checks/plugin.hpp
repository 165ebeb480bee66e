// What a Nagios plugin of the host's own file says (procedure annex two names none: power,
// temperature, doors, whatever a site has). Target: a name of [[plugins]].
//
// Facts: status, first line, performance data (as curves). Verdicts: abnormal plugin.warning and
// .critical, by the plugin's own limits; cannot tell plugin.unknown (status 3); normal plugin.ok.
//
// No finding: a plugin that is killed at the deadline, crashes or is not there is failed or
// timed_out.
//
// Cost: every minute what the plugin costs; no shell, none of our capabilities, 64 KiB of output,
// killed 200 ms before the deadline.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_plugin(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
