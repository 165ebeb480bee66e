// Which TCP ports of another machine answer (procedure M-07). Target: an IP address that the host's
// own file allows ([allow] probe_targets); the ports are the definition's, else 1-1024.
//
// Facts: which are open, how many were tried and closed, whether all were. Verdicts: abnormal
// port.answers for each open port that the target's baseline does not list; cannot tell
// port_scan.incomplete, port_scan.silent (a filter and a host that is off look the same), no
// baseline; normal port_scan.ok. An answering port has the target's own sockets check try it at
// once.
//
// Cost: connects and says nothing; 500 a second, 64 at a time, a second for each answer, ended at
// the deadline. As often as the site says: nobody is scanned by default.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_port_scan(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
