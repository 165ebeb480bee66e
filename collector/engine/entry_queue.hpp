// The writer's hand-off to the judge: entries in journal order, already decoded. Bounded: what does
// not fit is left to be read from the journal, which has it anyway. Not thread-safe; the judge's
// lock guards it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <vector>

#include "common/base/ids.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

class EntryQueue {
 public:
  explicit EntryQueue(std::size_t capacity) : capacity_(capacity) {}

  void push(std::vector<model::JournalEntry> entries);

  // At most `most` entries that follow `judged` without a gap. Empty while `head()` is beyond
  // `judged`: read the journal from `judged` + 1 on.
  std::vector<model::JournalEntry> take_after(Position judged, std::size_t most);

  Position head() const { return head_; }  // the last one that was ever pushed
  void reached(Position position) { head_ = std::max(head_, position); }

 private:
  std::size_t capacity_;
  std::deque<model::JournalEntry> entries_;
  Position head_;
};

}  // namespace tocsin::collector
