// The one door into the journal: agents' facts, commands, delivery outcomes, ticks, presence.
// Implemented by collector/ingest/writer (one thread, group commit); used by every adapter.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "collector/ports/journal.hpp"

namespace tocsin::collector {

// What an entry says, where whoever submits it has it as a value. Facts come as bytes: nobody but
// the judge needs to know what they say, and what one thread allocates another frees at twice the
// price.
class KnownBody {
 public:
  KnownBody() = default;
  template <class Body>
  requires std::is_constructible_v<model::JournalBody, Body> KnownBody(Body&& body)
      : body_(std::make_shared<const model::JournalBody>(std::forward<Body>(body))) {}

  explicit operator bool() const { return body_ != nullptr; }
  const model::JournalBody& operator*() const { return *body_; }
  const model::JournalBody* get() const { return body_.get(); }

 private:
  std::shared_ptr<const model::JournalBody> body_;
};

// `bytes` is what is journaled, `body` the same decoded, or nothing.
struct PendingEntry {
  std::string bytes;
  KnownBody body;
};

struct Committed {
  Position first;
  Position last;
  Instant at;
};

// Entries that were journaled one after the other at the same time, as the judge gets them.
struct CommittedRun {
  Position first;
  Instant at;
  std::vector<PendingEntry> entries;
  std::size_t bytes = 0;  // that they have in the journal

  Position last() const { return {first.value + entries.size() - 1}; }
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
