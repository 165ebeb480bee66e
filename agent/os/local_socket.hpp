// Asks a service that answers each connection to its socket with one text and hangs up.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent::os {

// Blocks `limit` at most. Errors: not_found (no socket), permission_denied, unavailable (nobody
// listens), deadline_exceeded (also where the caller was stopped), resource_exhausted (more than
// `most` bytes).
Result<std::string> read_local_socket(const std::string& path, Duration limit, std::size_t most,
                                      const time::TimeSource& time, const std::stop_token& stop);

}  // namespace tocsin::agent::os
