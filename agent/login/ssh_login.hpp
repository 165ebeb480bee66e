// Logs in to another host over SSH with a key, and has the account's forced command answer a nonce.
// libssh stays behind this header.
#pragma once

#include "agent/login/answer.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Blocks `request.limit` at most, but for a name that is looked up. Nothing of this account's files
// is read (no known_hosts, no config); when the address is known, the process gives up the file
// system where the kernel can take it away. Errors: a key or an address that cannot be read.
Result<LoginAnswer> log_in_there(const SshRequest& request, const time::TimeSource& time);

}  // namespace tocsin::agent
