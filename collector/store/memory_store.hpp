// Journal and state in memory: for tests and trials; nothing survives the process. The same
// contracts as the SQLite adapters, held to by the same conformance suites.
#pragma once

#include <memory>

#include "collector/ports/journal.hpp"
#include "collector/ports/state.hpp"

namespace tocsin::collector {

// The journal's content. What it opens shares it and keeps it alive, so that a writer can be closed
// and opened again. One writer at a time; readers from any thread.
class MemoryJournal {
 public:
  MemoryJournal();
  std::unique_ptr<JournalWriter> open_writer() const;
  std::unique_ptr<JournalReader> open_reader() const;
  struct Content;

 private:
  std::shared_ptr<Content> content_;
};

// The state's content; shared likewise. One store at a time; readers from any thread.
class MemoryState {
 public:
  MemoryState();
  std::unique_ptr<StateStore> open_store() const;
  std::unique_ptr<StateReader> open_reader() const;
  struct Content;

 private:
  std::shared_ptr<Content> content_;
};

}  // namespace tocsin::collector
