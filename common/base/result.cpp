#include "common/base/result.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

namespace tocsin {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::unauthenticated:
      return "unauthenticated";
    case ErrorCode::failed_precondition:
      return "failed_precondition";
    case ErrorCode::aborted:
      return "aborted";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::deadline_exceeded:
      return "deadline_exceeded";
    case ErrorCode::resource_exhausted:
      return "resource_exhausted";
    case ErrorCode::data_loss:
      return "data_loss";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

bool is_retryable(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::deadline_exceeded ||
         code == ErrorCode::resource_exhausted || code == ErrorCode::aborted;
}

Error system_error(std::string_view what, int error_number) {
  ErrorCode code = ErrorCode::internal;
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      code = ErrorCode::not_found;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = ErrorCode::permission_denied;
      break;
    case EEXIST:
      code = ErrorCode::already_exists;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      code = ErrorCode::resource_exhausted;
      break;
    case ETIMEDOUT:
      code = ErrorCode::deadline_exceeded;
      break;
    case EAGAIN:
    case EINTR:
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EPIPE:
      code = ErrorCode::unavailable;
      break;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ELOOP:
      code = ErrorCode::invalid_argument;
      break;
    case EIO:
      code = ErrorCode::data_loss;
      break;
    default:
      break;
  }
  return Error{code, fmt::format("{}: {}", what,
                                 std::error_code(error_number, std::generic_category()).message())};
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tocsin: check failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace tocsin
