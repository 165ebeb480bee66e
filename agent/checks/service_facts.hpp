// A systemd unit's state as facts (procedure M-03). Pure.
#pragma once

#include <string>

#include "agent/os/systemd.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

model::ServiceFacts service_facts(const std::string& unit, const os::UnitProperties& properties);

}  // namespace tocsin::agent
