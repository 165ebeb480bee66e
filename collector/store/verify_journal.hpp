// Walks the hash chain through all segments. Internal to collector/store.
#pragma once

#include "collector/store/sqlite_journal.hpp"

namespace tocsin::collector {

// Recomputes every group and stops at the first thing that is wrong, which `problem` names by one
// of these codes, always with the segment's file name:
//   journal.chain.altered    from, to: what is stored of these entries is not what was committed
//   journal.chain.missing    position: the entry, or its group, is not there
//   journal.chain.stray      position: an entry that no group has committed
//   journal.chain.link       position: the group (or segment) does not carry the hash before it
//   journal.chain.order      position: groups overlap, or journal time goes back
//   journal.chain.unreadable detail: the file cannot be read
// What was cut off at the end cannot be seen in the files alone: compare head_hash and `last` with
// those that were noted elsewhere. Errors: only where the directory itself cannot be read.
Result<ChainReport> verify_journal(const SqliteJournalOptions& options);

}  // namespace tocsin::collector
