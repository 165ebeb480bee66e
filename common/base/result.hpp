// The error vocabulary of the whole project.
//
// Operations that can fail for reasons outside the program return Result<T>. Each code maps one to
// one onto a gRPC status code (common/rpc/status.cpp), so an error keeps its meaning end to end.
// Bugs are not errors: TOCSIN_CHECK stops the process, systemd starts it again and the state is
// durable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace tocsin {

enum class ErrorCode : std::uint8_t {
  invalid_argument,  // the input is wrong; the same call will fail again
  not_found,
  already_exists,
  permission_denied,
  unauthenticated,
  failed_precondition,  // the state does not allow it now
  aborted,              // changed by somebody else; read again
  unavailable,          // try again later
  deadline_exceeded,
  resource_exhausted,  // a limit was reached
  data_loss,           // stored data is damaged
  internal,
};

std::string_view to_string(ErrorCode code);

// True where the same call may succeed later without any change.
bool is_retryable(ErrorCode code);

// `message` is for an operator: what failed, on what, what the system said, what to do.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

// The error of a failed system call: "open /var/x: Permission denied", with the code that fits
// errno.
Error system_error(std::string_view what, int error_number);

}  // namespace tocsin

// Stops the process when a condition that the code relies on does not hold.
#define TOCSIN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tocsin::check_failed(#condition, __FILE__, __LINE__))

// Leaves the function with the error, if there is one.
#define TOCSIN_TRY(expression)                                       \
  do {                                                               \
    if (auto tocsin_try_result = (expression); !tocsin_try_result)   \
      return ::tl::unexpected(std::move(tocsin_try_result).error()); \
  } while (false)

namespace tocsin {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace tocsin
