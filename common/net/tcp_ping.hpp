// Is somebody there, asked by connecting to a known port (procedure M-01): for hosts that filter
// echo requests. A refusal is an answer too.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "common/base/result.hpp"
#include "common/net/ping_plan.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

// One result for each plan, in their order: plan.packets connections to plan.tcp_port, one after
// the other, side by side with those to other targets. Blocks until `deadline` at most. Errors:
// deadline_exceeded (stopped). REQUIRES: every plan has a tcp_port.
Result<std::vector<PingResult>> ping_tcp(std::span<const PingPlan> plans, MonoTime deadline,
                                         const time::TimeSource& time, std::stop_token stop);

}  // namespace tocsin::net
