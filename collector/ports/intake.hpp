// The one door into the journal: agents' facts, commands, delivery outcomes, ticks, presence.
// Implemented by collector/ingest/writer (one thread, group commit); used by every adapter.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collector/ports/journal.hpp"

namespace tocsin::collector {

// `bytes` is what is journaled, `body` the same decoded, so that the judge does not parse it again.
struct PendingEntry {
  std::string bytes;
  model::JournalBody body;
};

struct Committed {
  Position first;
  Position last;
  Instant at;
};

class Intake {
 public:
  virtual ~Intake() = default;
  using Done = std::function<void(Result<Committed>)>;
  // Queues entries for the next group, in this order and together, with the cursor that they move.
  // They are moved only where they were accepted: a refusal leaves them with the caller.
  // `done` is called once, on the writer's thread, after they are durable or failed; it must be
  // quick and must not call submit_and_wait. Returns resource_exhausted (and does not call `done`)
  // when the queue is full: try again later. Thread-safe.
  virtual Status submit(std::vector<PendingEntry>&& entries, std::optional<SpoolCursor> cursor,
                        Done done) = 0;
  // The same for one entry, and waits. Never from the writer's thread.
  virtual Result<Committed> submit_and_wait(PendingEntry entry) = 0;
  // Journal time now: last entry plus steady-clock time. Thread-safe.
  virtual Instant journal_now() const = 0;
};

}  // namespace tocsin::collector
