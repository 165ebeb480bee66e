// What is worth keeping of a service before it is restarted: a restart ends its processes, and with
// them the open files, the sockets and programs that are no longer on the disk.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/os/systemd.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

inline constexpr std::size_t kSnapshotBytes = 1 << 20;
inline constexpr std::size_t kSnapshots = 32;  // kept; older ones go

struct Snapshot {
  std::string file;
  std::string digest;  // SHA-256 of the file, hex
};

// Writes `folder`/UNIT.NANOSECONDS.txt (mode 0600, synced): the unit's properties, of each of its
// processes executable, command, mapped files and descriptors, its sockets, hashes of executables
// and the last 200 lines of its journal. What cannot be read is named with its reason; text from
// the host is cleaned. Errors: as the file system says; without a snapshot nothing is restarted.
Result<Snapshot> take_snapshot(const std::string& unit, const os::UnitProperties& properties,
                               std::string_view root, const std::string& folder, Instant now,
                               std::stop_token stop);

}  // namespace tocsin::agent
