// Do addresses answer (procedure M-01)? One look from this machine, as agents and the collector
// take it: echo requests, a known TCP port, and on the same LAN the question who has the address.
// Where nothing answers, the machine's own default gateway is asked too (gateway.hpp), so that a
// host that is gone can be told from an observer that is cut off.
//
// Any number of addresses are looked at in the time that one takes: each of these means asks all of
// those at once that have not answered the one before. Many of one packet each are a roll call: the
// wait for an answer is learned, the silent are asked again, and once more for a full second where
// nobody answered or some took long.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/model/check.hpp"
#include "common/net/ip.hpp"
#include "common/net/ping_plan.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

// What was sent to one address, and came back, as facts. Pure. REQUIRES: no more came back than was
// sent.
model::PingFacts ping_facts(const IpAddress& address, const PingResult& result);

// One answer for each check, in their order; blocks until the shortest of their deadlines at most.
// `root`: where this machine's files are. Errors, each of one check: invalid_argument (the target
// is no address), permission_denied (no means is allowed), unavailable (nothing could be sent),
// deadline_exceeded (stopped, or its turn did not come).
std::vector<Result<model::PingFacts>> look_by_ping(std::span<const model::CheckDefinition> checks,
                                                   const std::string& root,
                                                   const time::TimeSource& time,
                                                   std::stop_token stop);

}  // namespace tocsin::net
