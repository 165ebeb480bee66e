// Services of this host that are spoken to over a socket in the file system.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/os/files.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent::os {

// What a call on such a socket failed with, `number` from errno: deadline_exceeded where the limit
// of connect_local_socket ended it, unavailable where nobody listens or the other end is gone.
Error socket_error(std::string_view what, int number);

// `limit`: of each send and receive; none: for ever. Errors: invalid_argument (a path that is too
// long), not_found, permission_denied, those of socket_error.
Result<Fd> connect_local_socket(const std::string& path, Duration limit = {});

// One datagram to a service that takes them. Never waits. Errors: as connect_local_socket;
// unavailable also where its queue is full.
Status send_to_local_socket(const std::string& path, std::string_view bytes);

// Asks a service that answers each connection with one text and hangs up. Blocks `limit` at most.
// Errors: not_found (no socket), permission_denied, unavailable (nobody
// listens), deadline_exceeded (also where the caller was stopped), resource_exhausted (more than
// `most` bytes).
Result<std::string> read_local_socket(const std::string& path, Duration limit, std::size_t most,
                                      const time::TimeSource& time, const std::stop_token& stop);

}  // namespace tocsin::agent::os
