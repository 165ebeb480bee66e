// The journal as the collector's core needs it. Adapters: collector/store (SQLite, memory).
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

// How far an agent's spool is taken in. One row per agent and epoch, kept with the journal so that
// facts and this commit together.
struct SpoolCursor {
  AgentId agent;
  Epoch epoch;
  Seq last;
  std::string chain = {};  // of the spool, after `last`; empty: not known
  friend bool operator==(const SpoolCursor&, const SpoolCursor&) = default;
};

struct StoredEntry {
  Position position;
  Instant at;
  std::string body;  // serialized JournalEntry (common/wire)
};

struct ChainReport {
  bool intact = true;
  std::uint64_t entries = 0;
  std::uint64_t groups = 0;
  Position first;
  Position last;
  std::string head_hash;   // hex
  model::Message problem;  // set when not intact: where and what
};

// Used by the one writer thread only. Positions are consecutive from 1.
class JournalWriter {
 public:
  virtual ~JournalWriter() = default;
  // Appends `bodies` in order as one group, all with journal time `at`, together with `cursors`.
  // Durable on return; all or nothing. Returns the first position. Errors: resource_exhausted (disk
  // full: nothing was changed, call again later), data_loss, internal.
  virtual Result<Position> append(std::span<const std::string> bodies, Instant at,
                                  std::span<const SpoolCursor> cursors) = 0;
  virtual Position head() const = 0;      // last committed; 0 when empty
  virtual Instant head_time() const = 0;  // its journal time
  virtual Result<std::vector<SpoolCursor>> spool_cursors() = 0;
};

// Each thread has its own reader; a reader sees everything that append() returned before its call.
class JournalReader {
 public:
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  virtual ~JournalReader() = default;
  // At most `max_entries` from `from` on, in order; empty at the end. It stops after the entry with
  // which their bodies reach `max_bytes`.
  virtual Result<std::vector<StoredEntry>> read(Position from, std::size_t max_entries,
                                                std::size_t max_bytes = kNoLimit) = 0;
  // Walks the whole hash chain.
  virtual Result<ChainReport> verify() = 0;
};

}  // namespace tocsin::collector
