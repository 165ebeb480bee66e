// Our error vocabulary and gRPC's, one to one, so that an error keeps its meaning from end to end.
#pragma once

#include <grpcpp/support/status.h>

#include "common/base/result.hpp"

namespace tocsin::rpc {

grpc::StatusCode to_grpc(ErrorCode code);
grpc::Status to_grpc(const Error& error);

// REQUIRES: !status.ok(). Codes that we never send become the nearest of ours; the message is cut
// and cleaned, because the other side wrote it.
Error from_grpc(const grpc::Status& status);

}  // namespace tocsin::rpc
