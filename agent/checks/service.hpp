// Whether a service runs (procedure M-03). Target: a unit name, "ssh.service".
//
// not_applicable where the host has no systemd; failed where it has one whose bus does not answer,
// because that must not look like a host without services.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_service(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
