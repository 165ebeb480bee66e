// Can somebody log in (procedure M-02, M-06)? With an account made for it: here through PAM (target
// "local"), or over SSH (target "ssh://HOST:PORT"). Nothing is tried unless the host's own file
// names the account, and only accounts called tocsin-…; not_applicable (login.off) else.
//
// Verdicts: abnormal login.refused, .timed_out, .banner_only, .rejected, .locked, .expired,
// .host_key_changed, .session_failed, each suspected only; cannot tell login.cannot_tell; normal
// login.ok.
//
// No finding: nologin (maintenance), a full disk, a host that is not reached, and a login that
// never worked with these settings, which are then the likelier fault.
//
// Cost: every 5 min, at least a minute between two tries whoever asks. A login here costs 60 ms of
// one processor (the password's hash) in a unit of its own, one over SSH 14 ms and 14 MB in a
// program of its own. After a login that was turned down none is tried for 15 minutes, then twice
// as long, a day at most (login.held). What came of the last try is the check's cursor.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_login(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
