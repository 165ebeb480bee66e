// Does an address answer (procedure M-01)? One look from this machine, as agents and the collector
// take it: echo requests, a known TCP port, and on the same LAN the question who has the address.
// Where nothing answers, the machine's own default gateway is asked too, so that a host that is
// gone can be told from an observer that is cut off.
#pragma once

#include <stop_token>
#include <string>

#include "common/model/check.hpp"
#include "common/net/icmp.hpp"
#include "common/net/ip.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

// A series of echo requests as facts. Pure. REQUIRES: no more round trips than were sent.
model::PingFacts ping_facts(const IpAddress& address, const PingResult& result);

// Blocks until check.deadline at most. `root`: where this machine's files are. Errors:
// invalid_argument (the target is no address), and those of ping().
Result<model::PingFacts> look_by_ping(const model::CheckDefinition& check, const std::string& root,
                                      const time::TimeSource& time, std::stop_token stop);

}  // namespace tocsin::net
