// `tocsinctl diagnose verify FILE`: is a diagnosis that was carried here by hand (procedure M-28)
// what `tocsin-agent diagnose --sign-to` wrote, who signed it and when, and of which host is it?
#pragma once

#include <string>

#include "collector/ctl/commands.hpp"

namespace tocsin::ctl {

// Exit: done where it is genuine, failed where not. The collector is asked only which host the
// agent is, and where it cannot be asked that is said. A host that is another than the diagnosis
// tells is not genuine.
Printed run_verify_diagnosis(const VerifyDiagnosis& command, const Settings& settings,
                             const Connect& connect, const time::TimeSource& time);

}  // namespace tocsin::ctl
