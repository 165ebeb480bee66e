// Whether an audit log is still there, whole and growing, and whether what writes it works
// (procedure M-05). Target: a file's absolute path, or "journal". The position is the check's
// durable cursor. The content itself never leaves the host.
//
// A look reads the first and last 4 KiB, at most 1 MiB of what was appended, of wtmp and btmp 4
// MiB, and compares what was written before with what it was: the last 128 KiB at once, and 4 MiB
// more in turn (agent/tail/prefix.hpp). Of a trail of the audit daemon the kernel is asked whether
// it audits and to whom it gives its records.
//
// Every five minutes the check writes a record of a hundred bytes to the log, where it knows the
// way there, and looks for it: the one thing that this agent writes on a host. [audit] of the
// host's own file turns it off.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_audit_log(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
