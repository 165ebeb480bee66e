// A series of echo requests as facts. Pure.
#pragma once

#include "agent/os/icmp.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// REQUIRES: no more round trips than were sent.
model::PingFacts ping_facts(const os::IpAddress& address, const os::PingResult& result);

}  // namespace tocsin::agent
