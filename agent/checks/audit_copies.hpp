// Where an audit log was rotated, changed or taken away: is what it held beside it, and does what
// stands in its place hold a part of it (procedure M-05)?
#pragma once

#include <stop_token>
#include <string>

#include "agent/checks/audit_log_facts.hpp"
#include "agent/os/files.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// Looks for the old content in the log's folder, also in what gzip packed; of a log that was cut
// also for a copy that lacks a little of it. Where another packer made a young part, or it is too
// large to unpack, that is noted. `interval`: between looks. Unpacks and compares 256 MiB at most.
void look_for_old_content(const std::string& path, const AuditPosition& before, Duration interval,
                          const std::stop_token& stop, AuditLook& look);

// Looks for old lines in a log that has changed hands: 256 MiB of it at most. Errors: as the
// system says; aborted where `stop` asks for it.
Status look_for_old_lines(const os::OpenedFile& file, const AuditPosition& before,
                          const std::stop_token& stop, AuditLook& look);

}  // namespace tocsin::agent
