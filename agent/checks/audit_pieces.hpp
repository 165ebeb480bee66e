// Reads audit logs in pieces of bounded size, however much came since the look before
// (procedure M-05). What is too much for one look is read at the next ones, and said until then.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "agent/checks/audit_trail.hpp"
#include "agent/checks/login_records.hpp"
#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// Of one look. A tenth of a second of one processor.
inline constexpr std::uint64_t kMostTrailBytes = 64 << 20;

struct TrailSeen {
  TrailPlace place;
  std::uint64_t missing = 0;     // serials
  std::uint64_t unfinished = 0;  // bytes of a last line that has no end yet
  std::uint64_t unread = 0;      // bytes behind it that are for the next look
};
// Goes on at `from` to where the file ended when it was opened, `most` bytes at most. Errors: as
// the system says.
Result<TrailSeen> read_trail(const os::OpenedFile& file, std::uint64_t from, TrailReader reader,
                             std::uint64_t most, const std::stop_token& stop);

struct LoginsSeen {
  LoginPlace next;  // `zeroed` where one was found
  std::uint64_t unread = 0;
};
// For a file that was only appended to since `before`. Errors: as the system says.
Result<LoginsSeen> read_logins(const os::OpenedFile& file, const LoginPlace& before);

}  // namespace tocsin::agent
