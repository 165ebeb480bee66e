// Where the oldest entries of a journal went (procedure M-05): journald removes them as it was told
// to, and who covers tracks removes them too (journalctl --vacuum-time, rm). Pure.
//
// journald removes whole archived files, the oldest first, only when it starts or begins a new
// file: while they have more bytes than it may keep, are more than so many files, or begin before
// so long. So what it leaves is nearly as much as it may keep, but for the largest file that there
// was (settings may have allowed larger ones once), and that tells the two apart.
//
// Benign, and no finding:
// - retention by size, number of files or age, also at once after a flood: by_retention; where the
//   age allows what was removed and more is gone than usual (a quiet host has a month in one
//   file): maybe_by_retention;
// - settings that were changed, and explain it since (journald was restarted with a smaller size);
// - a disk with less free than journald leaves free, now or at the look before: core dumps, a
//   backup, an application that fills it;
// - a journal in memory (no /var/log/journal, or that on tmpfs) after a restart;
// - a first journal on disk: journald moves what was in memory there, so the entries stay, and the
//   oldest one has its old time;
// - another machine id (a clone, a factory reset): its journal begins anew in a folder of its own,
//   and the old one is still on the disk;
// - files that are there and cannot be opened, as after a power cut.
// journald's own rotation by size or time (MaxFileSec) removes nothing, so the oldest entry stays.
//
// Not seen: a disk that was full and emptied again between two looks is no excuse. Who fills the
// journal until it overflows is not found here, but by what fills it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/checks/journal_files.hpp"
#include "common/base/instant.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

// What journald.conf says for one place, the disk ("System…") or memory ("Runtime…").
struct JournalShare {
  std::optional<std::uint64_t> most_bytes;  // 0: as much as there is
  std::optional<std::uint64_t> keep_free;
  std::optional<std::uint64_t> largest_file;
  std::optional<std::uint64_t> most_files;  // 0: any number
  friend bool operator==(const JournalShare&, const JournalShare&) = default;
};
struct JournalSettings {
  JournalShare on_disk;
  JournalShare in_memory;
  Duration oldest{};     // 0: any age
  bool unclear = false;  // something was not understood, or could not be read
  friend bool operator==(const JournalSettings&, const JournalSettings&) = default;
};
// Adds what one file says. What journald would not take either counts as not understood.
void read_journal_settings(std::string_view text, JournalSettings& settings);
JournalSettings journal_settings(const std::vector<std::string>& files, bool all_read);

// "512M", "1G" of 1024 each; "1month", "2week 3d", seconds without a unit. Nothing where it is
// anything else, or too large.
std::optional<std::uint64_t> parse_journal_size(std::string_view text);
std::optional<Duration> parse_journal_span(std::string_view text);

// How much of a journal is kept in one place, with journald's own defaults (systemd 252).
struct JournalLimits {
  std::uint64_t most_bytes = 0;
  std::uint64_t keep_free = 0;
  std::uint64_t largest_file = 0;
  std::uint64_t most_files = 0;  // 0: any number
  Duration oldest{};             // 0: any age
  bool unclear = false;
  friend bool operator==(const JournalLimits&, const JournalLimits&) = default;
};
// `space`: bytes of the file system.
JournalLimits journal_limits(const JournalSettings& settings, bool on_disk, std::uint64_t space);

// Of the place where a journal is kept, as one look sees it.
struct JournalPlaceSeen {
  std::string machine_id;
  bool on_disk = false;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of all its files, also of those that could not be opened
  std::uint64_t free = 0;   // of its file system
  JournalLimits limits;
  std::vector<ArchivedJournal> archived{};
  std::uint64_t largest = 0;  // of the bytes of one file
};
// What is kept of it until the next look.
struct JournalPlaceKept {
  std::string machine_id;
  bool on_disk = false;
  bool disk_short = false;
  std::string limits;         // as limits_text gives them
  std::uint64_t largest = 0;  // of the bytes of one file; 0: an older version did not say
  friend bool operator==(const JournalPlaceKept&, const JournalPlaceKept&) = default;
};
JournalPlaceKept kept_of(const JournalPlaceSeen& seen);
// "4a…,1,0,40000000-…,800000": nothing where it is anything else.
std::string to_text(const JournalPlaceKept& kept);
std::optional<JournalPlaceKept> parse_journal_place_kept(std::string_view text);

// Entries were removed: those from `previous_oldest` until `oldest`.
struct JournalLoss {
  Instant previous_oldest;
  Instant oldest;
  std::uint64_t previous_bytes = 0;  // of the files that could be opened, at the look before
  std::uint64_t bytes = 0;
  bool new_boot = false;
  Instant now;
};
// Why. Nothing kept, or nothing seen: maybe_by_retention, because it cannot be told.
model::HistoryGone why_gone(const JournalLoss& loss, const std::optional<JournalPlaceKept>& before,
                            const std::optional<JournalPlaceSeen>& now);

}  // namespace tocsin::agent
