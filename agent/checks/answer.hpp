// Does a service answer in its own protocol (procedure M-03, from another machine)? Target: a URL
// with an address (answer_facts.hpp) that the host's own file allows ([allow] probe_targets).
//
// Facts: refused, timed out, unreachable, no or another protocol's answer, TLS alert; the status
// and first line. Verdicts: abnormal answer.failed, and answer.error_status for 5xx; normal
// answer.ok.
//
// No finding: what the service says below 500 (a login page, 404) is an answer; an address that is
// not allowed is not_permitted. An answer from one place only suspects; the collector corroborates.
//
// Cost: every 30 s one TCP connection, at most 5 KiB read, ended at the deadline. No certificate is
// checked and nothing is kept between runs.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_answer(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
