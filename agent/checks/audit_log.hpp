// Whether an audit log is still there, whole and growing (procedure M-05). Target: a file's
// absolute path, or "journal". The position is the check's durable cursor. Reads the first and last
// 4 KiB and at most 1 MiB of what was appended, of wtmp and btmp 4 MiB; the content itself never
// leaves the host.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_audit_log(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
