// Whether a service runs (procedure M-03). Target: a unit name, "ssh.service".
//
// Facts: what systemd says of it, since when, how often it restarted it. Verdicts: abnormal
// service.failed, .inactive, .not_found, .crash_loop (three restarts in ten minutes); cannot tell
// service.changing, .restarting, .state_unknown; normal service.running, .finished (a one-shot),
// .not_required (the baseline says so).
//
// No finding: a start or stop of less than five minutes, a restart that somebody asked for, one
// crash that systemd answers within a minute. not_applicable where the host has no systemd; failed
// where it has one whose bus does not answer, because that must not look like a host without
// services.
//
// Cost: every 30 s and at each change that systemd tells of (20 a second at most) two calls on the
// bus, 2 s each at most.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_service(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
