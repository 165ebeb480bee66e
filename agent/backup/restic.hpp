// What restic prints, as facts. Pure; accepts any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/backup_settings.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

struct ResticSnapshot {
  std::string host;
  std::vector<std::string> paths;
  Instant at;
  friend bool operator==(const ResticSnapshot&, const ResticSnapshot&) = default;
};
// `restic snapshots --json`. Errors: invalid_argument (another form).
Result<std::vector<ResticSnapshot>> parse_snapshots(std::string_view json);

// A file as a snapshot has it.
struct ResticFile {
  std::uint64_t size = 0;
  Instant modified;
  friend bool operator==(const ResticFile&, const ResticFile&) = default;
};
// The file `path` of `restic ls --json`, which prints an object a line. Errors: not_found.
Result<ResticFile> parse_ls(std::string_view lines, std::string_view path);

// Why a run of restic failed.
enum class ResticEnd : std::uint8_t {
  done = 1,
  login_refused,  // no password, or a wrong one
  damaged,        // the repository contains errors
  failed,         // anything else: not reached, not readable, out of memory
};
// `status` as given to exit(), -1 by a signal. Versions before 0.17 say 1 for all failures, so what
// they print decides.
ResticEnd restic_end(int status, std::string_view errors);
// The first line that says why, cleaned.
std::string restic_reason(std::string_view errors);

// The newest success of each source that is wanted, or of each host and set of paths that is there;
// the oldest first.
std::vector<model::BackupSource> newest_of(const std::vector<ResticSnapshot>& snapshots,
                                           const std::vector<std::string>& wanted);

// When the slow tests were made and what they said: kept over restarts.
struct ResticTests {
  Instant checked;  // 0: never
  model::Tristate check_ok = model::Tristate::unknown;
  Instant restored;
  model::Tristate restore_ok = model::Tristate::unknown;
  friend bool operator==(const ResticTests&, const ResticTests&) = default;
};
std::string print_tests(const ResticTests& tests);
// What cannot be read is as if nothing was tested yet.
ResticTests parse_tests(std::string_view text);

}  // namespace tocsin::agent
