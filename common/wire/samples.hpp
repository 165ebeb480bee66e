// Points of curves to and from the wire, for the service adapters (link, ingest, operate, ctl)
// only.
#pragma once

#include <span>
#include <vector>

#include "tocsin/v1/agent.pb.h"

#include "common/base/result.hpp"
#include "common/series/sample.hpp"

namespace tocsin::wire {

// One curve for each name, in the order in which they first appear; points keep their order.
void to_proto(std::span<const series::Sample> from, v1::Samples& to);
// Names are cleaned and bounded; a point without a number is left out. Errors: invalid_argument
// (more curves or points than their limits, times and values that do not pair).
Result<std::vector<series::Sample>> from_proto(const v1::Samples& from);

}  // namespace tocsin::wire
