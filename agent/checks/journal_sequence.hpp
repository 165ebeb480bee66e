// Where a journal's entries stand among each other, and which numbers are no entry's though nothing
// was removed (procedure M-05). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/os/journal_bounds.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

// Where an entry stands, from a journal cursor "s=…;i=2a;b=…;m=…;t=…;x=…".
struct JournalPlace {
  std::string sequence_id;
  std::uint64_t sequence = 0;
  friend bool operator==(const JournalPlace&, const JournalPlace&) = default;
};
std::optional<JournalPlace> parse_journal_cursor(std::string_view cursor);
// When the entry was written; nothing where the cursor does not say.
std::optional<Instant> journal_cursor_time(std::string_view cursor);

// Follows entries in order, and notes each number that is missing alone between two of them.
class NumberSkips {
 public:
  // `before`: the cursor of the entry before the first; empty or another text: none.
  explicit NumberSkips(std::string_view before);
  void next(std::string_view cursor);
  // At most kMost; of one sequence, that of the last entry.
  const std::vector<std::uint64_t>& numbers() const { return numbers_; }
  const std::string& sequence_id() const { return last_.sequence_id; }

  static constexpr std::size_t kMost = 256;

 private:
  JournalPlace last_;
  std::vector<std::uint64_t> numbers_;
};

// How many of them journald gave to no entry. It takes the next number before it links the entry
// into its file (systemd 252, journal_file_append_entry_internal: journal_file_entry_seqnum, then
// journal_file_link_entry). Where the file is full, linking ends with E2BIG, and journald rotates
// and appends the same entry again, with the number after (journald-server.c, write_to_journal). So
// the full file's header has a number as its last that no entry has, and the entry with the next
// one begins a file: only such a number is no gap. Who takes out the very last entry of a file
// leaves the same, and that one only; the file itself is then another than journald wrote.
std::uint64_t given_up(const NumberSkips& skips, const std::vector<os::JournalBounds>& files);

}  // namespace tocsin::agent
