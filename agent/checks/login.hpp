// Logs in with an account made for it (procedure M-02, M-06): here through PAM (target "local"), or
// over SSH to another host (target "ssh://HOST:PORT"). Nothing is tried unless the host's own file
// names the account.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_login(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
