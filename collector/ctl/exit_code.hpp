// What tocsinctl's exit says to a script; `tocsinctl help exit-codes` prints the same table.
#pragma once

#include "common/base/result.hpp"

namespace tocsin::ctl {

enum class ExitCode : int {
  done = 0,  // also when findings exist
  failed = 1,
  usage = 2,
  not_found = 3,
  not_permitted = 4,  // or not logged in
  conflict = 5,       // changed by somebody else
  unreachable = 6,
  timed_out = 7,
  level_met = 10,     // --fail-on
  interrupted = 130,  // Ctrl-C, by the shell's custom
};

constexpr ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return ExitCode::usage;
    case ErrorCode::not_found:
      return ExitCode::not_found;
    case ErrorCode::permission_denied:
    case ErrorCode::unauthenticated:
      return ExitCode::not_permitted;
    case ErrorCode::aborted:
    case ErrorCode::already_exists:
      return ExitCode::conflict;
    case ErrorCode::unavailable:
      return ExitCode::unreachable;
    case ErrorCode::deadline_exceeded:
      return ExitCode::timed_out;
    case ErrorCode::failed_precondition:
    case ErrorCode::resource_exhausted:
    case ErrorCode::data_loss:
    case ErrorCode::internal:
      break;
  }
  return ExitCode::failed;
}

}  // namespace tocsin::ctl
