#include "collector/engine/entry_queue.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::collector {

void EntryQueue::push(std::vector<model::JournalEntry> entries) {
  for (model::JournalEntry& entry : entries) {
    // After the first that does not fit none may follow, or the order would have a hole inside.
    const bool follows =
        entries_.empty() || entry.position.value == entries_.back().position.value + 1;
    head_ = std::max(head_, entry.position);
    if (entries_.size() < capacity_ && follows) entries_.push_back(std::move(entry));
  }
}

std::vector<model::JournalEntry> EntryQueue::take_after(Position judged, std::size_t most) {
  while (!entries_.empty() && entries_.front().position <= judged) entries_.pop_front();
  std::vector<model::JournalEntry> taken;
  while (!entries_.empty() && taken.size() < most &&
         entries_.front().position.value == judged.value + 1) {
    judged = entries_.front().position;
    taken.push_back(std::move(entries_.front()));
    entries_.pop_front();
  }
  return taken;
}

}  // namespace tocsin::collector
