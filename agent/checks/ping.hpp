// Whether an address answers (procedure M-01; how: common/net/ping.hpp). Target: an IP address,
// never a name.
//
// Facts: sent, received, times, by which means (ICMP, a TCP port, the neighbour's answer), whether
// our own gateway answers. Verdicts: abnormal ping.unreachable, ping.loss.high, ping.rtt.high;
// cannot tell ping.gateway (we are cut off ourselves), ping.nothing_sent; normal ping.ok,
// .loss.some, .neighbour_only (it filters). One place only suspects: the collector asks others
// before it tells.
//
// Cost: every 30 s, five packets each and one ICMP socket however many addresses; those with the
// same interval and deadline in the time of one, five seconds where some are silent.
#pragma once

#include <memory>
#include <vector>

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context);
// Any number of addresses in the time of one.
std::vector<model::Observation> observe_pings(
    const std::vector<model::CheckDefinition>& checks,
    const std::vector<std::shared_ptr<CheckContext>>& contexts);

}  // namespace tocsin::agent
