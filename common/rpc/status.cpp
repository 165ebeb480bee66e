#include "common/rpc/status.hpp"

#include <array>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::rpc {
namespace {

constexpr std::array kCodes{
    std::pair{ErrorCode::invalid_argument, grpc::StatusCode::INVALID_ARGUMENT},
    std::pair{ErrorCode::not_found, grpc::StatusCode::NOT_FOUND},
    std::pair{ErrorCode::already_exists, grpc::StatusCode::ALREADY_EXISTS},
    std::pair{ErrorCode::permission_denied, grpc::StatusCode::PERMISSION_DENIED},
    std::pair{ErrorCode::unauthenticated, grpc::StatusCode::UNAUTHENTICATED},
    std::pair{ErrorCode::failed_precondition, grpc::StatusCode::FAILED_PRECONDITION},
    std::pair{ErrorCode::aborted, grpc::StatusCode::ABORTED},
    std::pair{ErrorCode::unavailable, grpc::StatusCode::UNAVAILABLE},
    std::pair{ErrorCode::deadline_exceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
    std::pair{ErrorCode::resource_exhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
    std::pair{ErrorCode::data_loss, grpc::StatusCode::DATA_LOSS},
    std::pair{ErrorCode::internal, grpc::StatusCode::INTERNAL},
};

}  // namespace

grpc::StatusCode to_grpc(ErrorCode code) {
  for (const auto& [ours, theirs] : kCodes) {
    if (ours == code) return theirs;
  }
  return grpc::StatusCode::UNKNOWN;
}

grpc::Status to_grpc(const Error& error) { return {to_grpc(error.code), error.message}; }

Error from_grpc(const grpc::Status& status) {
  std::string message = clean_text(status.error_message(), limits::kText);
  for (const auto& [ours, theirs] : kCodes) {
    if (theirs == status.error_code()) return {ours, std::move(message)};
  }
  switch (status.error_code()) {
    case grpc::StatusCode::CANCELLED:
      return {ErrorCode::unavailable, std::move(message)};
    case grpc::StatusCode::OUT_OF_RANGE:
      return {ErrorCode::invalid_argument, std::move(message)};
    case grpc::StatusCode::UNIMPLEMENTED:
      return {ErrorCode::failed_precondition, "the other side does not know this call: " + message};
    default:
      return {ErrorCode::internal, std::move(message)};
  }
}

}  // namespace tocsin::rpc
