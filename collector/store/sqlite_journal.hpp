// The journal in SQLite files: a directory of segments, journal-000001.db and so on, each a
// database in WAL mode with synchronous=FULL, so that what append() returned survives a power cut.
// Only the newest segment is written; retention drops whole segments from the oldest on.
//
//   entry(pos INTEGER PRIMARY KEY, at, body)                     one row an entry; no other index
//   commit_group(first INTEGER PRIMARY KEY, last, at, prev_hash, hash)   one row an append()
//   segment(number, first, prev_hash, prev_at)                   one row: how it goes on from
//   before spool_cursor(agent, epoch, last, chain)                      as of the end of the
//   segment; not
//     under the hash, because its rows change: the entries themselves say the same
//
// collector/store/chain.hpp says exactly what `hash` covers. A segment appears under its name only
// when it is complete (written beside it as .new and renamed), so a file with such a name that is
// empty or unreadable is damage and is refused, never overwritten.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "collector/ports/journal.hpp"

namespace tocsin::collector {

struct SqliteJournalOptions {
  std::string directory;                     // made when missing, mode 0700
  std::uint64_t segment_bytes = 1ULL << 30;  // a new segment begins when this is reached
  int checkpoint_pages = 4000;               // WAL pages (4 KiB) that make SQLite copy them back
  std::string vfs;                           // SQLite VFS; tests put one that cuts the power here
};

// Opens or creates the journal for its one writer; a second one, also of another process, is
// refused (a lock on journal.lock). Checks that the segments follow each other and the last group's
// hash; verify() checks the rest. Errors: failed_precondition (another writer, a newer schema),
// data_loss (what is damaged and where), permission_denied, resource_exhausted.
//
// append() answers resource_exhausted also to an I/O error that is not damage: nothing was changed,
// and the same call may work later.
Result<std::unique_ptr<JournalWriter>> open_journal_writer(const SqliteJournalOptions& options);

// A reader with connections of its own; opens files when it needs them, so it may be made before
// the first entry exists. What was dropped by retention is passed over: read() then begins at the
// first entry that is kept. A missing entry anywhere else is data_loss.
Result<std::unique_ptr<JournalReader>> open_journal_reader(const SqliteJournalOptions& options);

struct DroppedSegments {
  std::uint64_t segments = 0;
  Position first_kept;  // first entry of the oldest segment that is left
};
// Removes the oldest segments that hold no entry from `keep_from` on; never the newest segment. The
// chain then begins at `first_kept`, and ChainReport.first says so. Safe beside a writer and
// readers.
Result<DroppedSegments> drop_segments_before(const SqliteJournalOptions& options,
                                             Position keep_from);

}  // namespace tocsin::collector
