// Reads what was appended to a log since the look before, across rotation (rename and create, copy
// and truncate, packing at once), and across a restart: nothing is left out and nothing is given
// twice. The position that comes back belongs into the same transaction as what was made of the
// records.
//
// What cannot be saved is counted: bytes that were seen to be there and went before they were read.
// What came and went between two looks nobody can count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "agent/os/files.hpp"
#include "agent/tail/lines.hpp"
#include "agent/tail/position.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// Files that stay open between looks, so that what is removed after its rotation can still be read.
// A cache: a look without it sees the same wherever the file is still there.
struct TailMemory {
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
  std::map<Key, os::Fd> open;  // by device, inode and its generation
};

struct TailLimits {
  std::uint64_t bytes = 4 << 20;        // of one look; the rest is behind and comes next time
  std::size_t record_bytes = 16 << 10;  // a longer record is cut
  Duration late_writes = 10min;         // how long a renamed part is still read
};

struct TailOutcome {
  TailPosition next;
  bool present = false;  // the log itself
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_behind = 0;
  std::uint64_t lost_bytes = 0;
  std::uint32_t rotations = 0;
  std::uint32_t long_records = 0;
};

// Without `before` nothing is read: the look begins at the end of the log, and `on_past` is given
// the whole records of its last 64 KiB. `now`: the wall clock.
// Errors: permission_denied, invalid_argument (not a regular file), as the system says; nothing was
// given out then.
Result<TailOutcome> read_tail(const std::string& path, const std::optional<TailPosition>& before,
                              const TailLimits& limits, Instant now, TailMemory& memory,
                              const OnRecord& on_record, const OnRecord& on_past = {});

}  // namespace tocsin::agent
