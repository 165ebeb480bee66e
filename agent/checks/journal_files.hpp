// Which of a journal's archived files are there (procedure M-05). journald removes the oldest
// first, so one that is missing between others was taken out. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::agent {

// As journald names it when it begins another: "system@ID-SEQUENCE-TIME.journal", of its first
// entry.
struct ArchivedJournal {
  std::string sequence_id;
  std::uint64_t sequence = 0;
  std::uint64_t at_us = 0;
  friend bool operator==(const ArchivedJournal&, const ArchivedJournal&) = default;
};
// Nothing where it is another file: one that is written to, or was left by a crash.
std::optional<ArchivedJournal> parse_archived_journal(std::string_view file_name);

// As many are followed, the newest.
inline constexpr std::size_t kArchivedFollowed = 128;
// Of these names, oldest entry first.
std::vector<ArchivedJournal> archived_journals(const std::vector<std::string>& file_names);
std::string to_text(const std::vector<ArchivedJournal>& files);
std::optional<std::vector<ArchivedJournal>> parse_archived_journals(std::string_view text);

// How many entries the files had, all users' together, that are missing though an older one of the
// same sequence is there. Older means by number and by time: where the clock was set back journald
// itself may choose otherwise.
std::uint64_t entries_taken_out(const std::vector<ArchivedJournal>& before,
                                const std::vector<ArchivedJournal>& now);

}  // namespace tocsin::agent
