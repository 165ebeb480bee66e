// The host's systemd journal, read through libsystemd.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

struct JournalEnd {
  std::uint64_t bytes = 0;    // on disk
  std::string newest;         // cursor of the newest entry; empty: no entry
  std::uint64_t entries = 0;  // after the cursor given
  bool counted = false;       // all of them: not too many, not stopped
};

// Looks from `after` (a cursor; empty: only at the end) to the newest entry. Counts at most
// `most_entries`, about 5 us each. Errors: not_found (no journal), permission_denied.
Result<JournalEnd> read_journal(std::string_view root, const std::string& after,
                                std::uint64_t most_entries, std::stop_token stop);

// The last lines that a unit wrote, oldest first, raw. Looks at no more than `most` entries.
// Errors: as above.
Result<std::vector<std::string>> journal_tail(std::string_view root, const std::string& unit,
                                              std::size_t most, std::stop_token stop);

}  // namespace tocsin::agent::os
