#include "common/rpc/client_call.hpp"

#include <grpc/support/time.h>

namespace tocsin::rpc {

void limit_time(grpc::ClientContext& context, Duration limit) {
  context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(limit.count(), GPR_TIMESPAN)));
}

}  // namespace tocsin::rpc
