// Logs in on this host as a person at its console would, but for a shell: PAM's authentication,
// account and session steps of the service "tocsin-probe" (deploy/pam.d), and the account's home.
// libpam stays behind this header. As root; one call at a time in a process.
#pragma once

#include <string>

#include "agent/login/answer.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// Blocks as long as PAM's modules do: whoever starts the process bounds it. Errors: what kept it
// from trying at all, such as an account that may not be probed, or a password file that others may
// read.
Result<LoginAnswer> log_in_here(const LocalRequest& request, Instant now);

}  // namespace tocsin::agent
