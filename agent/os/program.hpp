// Starts a program of the host's own file and reads what it says: no shell, no environment but a
// fixed one, no capability of ours, bounded time and output. It and everything it started is gone
// when the call returns, also what left its group and session: between this process and the program
// stands a copy of this process, the keeper, to which the kernel gives every descendant whose
// parent ended, and which ends them all.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent::os {

struct ProgramCall {
  std::vector<std::string> words;  // words[0]: an absolute path
  std::string input;               // for its standard input; what it does not read is dropped
  Duration limit = 10s;            // then it is killed
  std::size_t output_limit =
      1 << 16;  // bytes of each of its two outputs; the rest is read, dropped
};

struct ProgramEnd {
  int status = 0;          // as given to exit(); -1: ended by a signal
  int signal = 0;          // that ended it; 0: none
  bool timed_out = false;  // killed at its limit, or because the caller was stopped
  std::string output;
  std::string errors;
  bool cut = false;  // there was more output than `output_limit`
};

// Blocks until the program has ended. Errors: not_found, permission_denied, invalid_argument (no
// absolute path), as the system says. A program that runs and fails is no error.
Result<ProgramEnd> run_program(const ProgramCall& call, const time::TimeSource& time,
                               const std::stop_token& stop);

}  // namespace tocsin::agent::os
