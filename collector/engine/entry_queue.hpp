// The writer's hand-off to the judge: entries in journal order, in the runs in which they were
// committed. Bounded by entries and by bytes: what does not fit is left to be read from the
// journal, which has it anyway. Not thread-safe; the judge's lock guards it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <vector>

#include "collector/ports/intake.hpp"
#include "common/base/ids.hpp"

namespace tocsin::collector {

struct EntryQueueLimits {
  std::size_t entries = 65'536;
  std::size_t bytes = 32 << 20;  // that they have in the journal
};

class EntryQueue {
 public:
  explicit EntryQueue(const EntryQueueLimits& limits) : limits_(limits) {}

  void push(std::vector<CommittedRun> runs);

  // What follows `judged` without a gap: whole runs, as long as they hold less than `most`
  // together. Empty while `head()` is beyond `judged`: read the journal from `judged` + 1 on.
  std::vector<CommittedRun> take_after(Position judged, const EntryQueueLimits& most);

  Position head() const { return head_; }  // the last one that was ever pushed
  void reached(Position position) { head_ = std::max(head_, position); }
  std::size_t entries() const { return entries_; }
  std::size_t bytes() const { return bytes_; }

 private:
  CommittedRun pop();
  void drop_judged(Position judged);

  EntryQueueLimits limits_;
  std::deque<CommittedRun> runs_;
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
  Position head_;
};

}  // namespace tocsin::collector
