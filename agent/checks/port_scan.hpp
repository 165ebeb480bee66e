// Which TCP ports of another machine answer (procedure M-07). Target: an IP address that the host's
// own file allows; the ports are the definition's, else the well-known ones. Connects and says
// nothing; at most so many at a time and a second.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_port_scan(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
