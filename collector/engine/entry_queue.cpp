#include "collector/engine/entry_queue.hpp"

#include <utility>

namespace tocsin::collector {

void EntryQueue::push(std::vector<CommittedRun> runs) {
  for (CommittedRun& run : runs) {
    // After the first that does not fit none may follow, or the order would have a hole inside.
    const bool follows = runs_.empty() || run.first.value == runs_.back().last().value + 1;
    const bool fits =
        entries_ + run.entries.size() <= limits_.entries && bytes_ + run.bytes <= limits_.bytes;
    head_ = std::max(head_, run.last());
    if (!follows || !fits) continue;
    entries_ += run.entries.size();
    bytes_ += run.bytes;
    runs_.push_back(std::move(run));
  }
}

std::vector<CommittedRun> EntryQueue::take_after(Position judged, const EntryQueueLimits& most) {
  drop_judged(judged);
  std::vector<CommittedRun> taken;
  std::size_t entries = 0;
  std::size_t bytes = 0;
  while (!runs_.empty() && entries < most.entries && bytes < most.bytes &&
         runs_.front().first.value == judged.value + 1) {
    entries += runs_.front().entries.size();
    bytes += runs_.front().bytes;
    judged = runs_.front().last();
    taken.push_back(pop());
  }
  return taken;
}

void EntryQueue::drop_judged(Position judged) {
  while (!runs_.empty() && runs_.front().last() <= judged) pop();
  if (runs_.empty() || runs_.front().first > judged) return;
  CommittedRun& run = runs_.front();
  const std::size_t count = judged.value + 1 - run.first.value;
  run.entries.erase(run.entries.begin(), run.entries.begin() + static_cast<std::ptrdiff_t>(count));
  run.first.value += count;
  entries_ -= count;
}

CommittedRun EntryQueue::pop() {
  CommittedRun run = std::move(runs_.front());
  runs_.pop_front();
  entries_ -= run.entries.size();
  bytes_ -= run.bytes;
  return run;
}

}  // namespace tocsin::collector
