// The host's systemd journal, read through libsystemd.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

struct JournalEnd {
  std::uint64_t bytes = 0;    // on disk
  std::string newest;         // cursor of the last entry that was counted, or of the newest
  std::uint64_t entries = 0;  // after the cursor given
  bool counted = false;       // every one as far as `newest`; not where it could not be read
  std::string end;            // cursor of the newest entry; empty: no entry
  std::string oldest;         // cursor of the oldest entry; empty: no entry
  bool oldest_kept = false;   // the one that was asked for is still there
};
struct JournalAsked {
  std::string after;   // a cursor to count from; empty: nothing is counted
  std::string oldest;  // a cursor: is it still there? Empty: none
  std::uint64_t most_entries = 0;
  std::function<void(const std::string& cursor)> on_entry{};  // each that is counted, in order
};

// Looks at both ends, and from `after` towards the newest entry. Counts at most `most_entries`,
// about 5 us each: where there are more, `newest` is not the end, and the next look goes on there.
// Errors: not_found (no journal), permission_denied.
Result<JournalEnd> read_journal(std::string_view root, const JournalAsked& asked,
                                std::stop_token stop);

// The last lines that a unit wrote, oldest first, raw. Looks at no more than `most` entries.
// Errors: as above.
Result<std::vector<std::string>> journal_tail(std::string_view root, const std::string& unit,
                                              std::size_t most, std::stop_token stop);

// One entry; the text is raw and valid during the call only.
struct JournalEntry {
  std::string_view program;  // as syslog names it, else the process
  std::string_view message;
  Instant at;
  std::uint32_t pid = 0;      // as the kernel says; 0: not known
  std::uint8_t priority = 7;  // as syslog counts, 0 is the gravest; 7 also where it has none
};
using OnJournalEntry = std::function<void(const JournalEntry&)>;

struct JournalRead {
  std::string first;   // cursor of the first entry read; empty: none
  std::string newest;  // of the last one read; read_newest_entries: of the journal's end
  std::uint64_t entries = 0;
  bool more = false;        // stopped at `most_entries` or asked to stop
  bool place_gone = false;  // the entry of `after` is not in the journal any more
};
// Gives out the entries after `after`, oldest first, through all files of the journal.
// REQUIRES: a cursor. Errors as above.
Result<JournalRead> read_journal_entries(std::string_view root, const std::string& after,
                                         std::uint64_t most_entries, std::stop_token stop,
                                         const OnJournalEntry& on_entry);
// Gives out the newest entries, oldest first: at most `most`, and none that is older than `since`.
// Errors as above.
Result<JournalRead> read_newest_entries(std::string_view root, Instant since, std::uint64_t most,
                                        std::stop_token stop, const OnJournalEntry& on_entry);

}  // namespace tocsin::agent::os
