// Echo requests to many addresses at once over one ICMP socket a family (procedure M-01): a
// datagram socket (no privilege, where ping_group_range allows it), else a raw one (CAP_NET_RAW).
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "common/base/result.hpp"
#include "common/net/ping_plan.hpp"
#include "common/net/sweep_core.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

// One result for each plan, in their order; blocks until `deadline` at most. A target whose turn
// did not come by then has nothing sent. Round trips end when the kernel received the answer, not
// when this process came to read it. `pace.in_flight` is the most; less where the kernel gives less
// room for answers.
//
// Where this machine may or can not send, the result says so (send_error). Errors: invalid_argument
// (more than kMostTargets), deadline_exceeded (stopped).
Result<std::vector<PingResult>> sweep(std::span<const PingPlan> plans, SweepPace pace,
                                      MonoTime deadline, const time::TimeSource& time,
                                      const std::stop_token& stop);

}  // namespace tocsin::net
