// The first and last sequence number that each file of the host's journal says it has, from its
// header (systemd's JOURNAL_FILE_FORMAT).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

struct JournalBounds {
  std::string sequence_id;  // as in a cursor: 32 digits
  std::uint64_t first = 0;  // 0: it has no entry
  std::uint64_t last = 0;   // the highest that was taken for it, or for the file before it
  friend bool operator==(const JournalBounds&, const JournalBounds&) = default;
};

inline constexpr std::size_t kJournalHeaderBytes = 208;  // of the oldest format
// Nothing where it is no journal file's.
std::optional<JournalBounds> parse_journal_header(std::string_view header);

// Of all files of this host's journal, on disk and in memory, a thousand at most in each place. One
// that cannot be read is left out. Errors: not_found (no machine id).
Result<std::vector<JournalBounds>> journal_bounds(std::string_view root);

}  // namespace tocsin::agent::os
