// How long the journal is kept: whole segments go, from the oldest on, when they are old enough and
// were judged.
#pragma once

#include <cstdint>
#include <span>

#include "collector/store/sqlite_journal.hpp"

namespace tocsin::collector {

struct SegmentStart {
  Position first;
  Instant before;  // journal time of the last entry before `first`
};

// The entry from which on the journal must be kept: the beginning of the last of `segments`
// (ascending) before which everything was judged and is older than `keep` at `now`, in journal
// time. The first segment's beginning when nothing may go; 0 without segments. Pure.
Position keep_journal_from(std::span<const SegmentStart> segments, Instant now, Duration keep,
                           Position judged);

// Drops the segments that may go; never the newest. `keep_days` 0 keeps all. `now` is journal time,
// `judged` a cursor of the judge that is on the disk: the state that it stands for was made of what
// goes (`sync_state`). Safe beside a writer and readers. Errors: those of opening
// and removing files; what was dropped before stays dropped.
Result<DroppedSegments> prune_journal(const SqliteJournalOptions& options, std::uint32_t keep_days,
                                      Instant now, Position judged);

}  // namespace tocsin::collector
