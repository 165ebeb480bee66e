// The files of the SQLite journal: names, schema, opening and making. Internal to collector/store.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/store/sqlite_journal.hpp"
#include "common/sqlite/sqlite.hpp"

namespace tocsin::collector {

// The row of table segment: how the segment goes on from the one before.
struct SegmentHead {
  std::uint32_t number = 1;
  Position first;         // the position its first entry has or will have
  std::string prev_hash;  // 32 bytes
  Instant prev_at;        // journal time of the entry before
};

// One row of table commit_group.
struct GroupRow {
  Position first;
  Position last;
  Instant at;
  std::string prev_hash;
  std::string hash;
};

struct Segment {
  sqlite::Database database;
  SegmentHead head;
};

std::string segment_path(const SqliteJournalOptions& options, std::uint32_t number);
bool segment_exists(const SqliteJournalOptions& options, std::uint32_t number);

// Numbers of the segments there are, ascending. data_loss when one in between is missing.
Result<std::vector<std::uint32_t>> list_segments(const SqliteJournalOptions& options);

enum class Access { read, write };
// Opens a complete segment and reads its head. Errors: not_found, data_loss (not a segment, another
// number), failed_precondition (a newer schema).
Result<Segment> open_segment(const SqliteJournalOptions& options, std::uint32_t number,
                             Access access);

// Writes a segment beside its name, syncs it and renames it. Nothing is left under the name on
// error.
Status make_segment(const SqliteJournalOptions& options, const SegmentHead& head,
                    std::span<const SpoolCursor> cursors);

// Removes the files of a segment, the database first.
Status remove_segment(const SqliteJournalOptions& options, std::uint32_t number);

Result<std::optional<GroupRow>> last_group(sqlite::Database& segment);
Result<std::vector<SpoolCursor>> read_cursors(sqlite::Database& segment);
// A segment that was begun before spools had chains gets the column for them.
Status add_chain_column(sqlite::Database& segment);

// Recomputes a group's hash from its entries. not_found: an entry is missing (the message says
// which); other errors: it cannot be read.
Result<std::string> recompute_hash(sqlite::Statement& entries, const GroupRow& group);
// The statement that recompute_hash needs.
Result<sqlite::Statement> prepare_group_entries(sqlite::Database& segment);

}  // namespace tocsin::collector
