#include "collector/ingest/inbox.hpp"

#include <iterator>
#include <utility>

#include "common/base/limits.hpp"

namespace tocsin::collector {
namespace {

// Whether `next` goes on where `run` ends and fits into one batch with it.
bool follows(const FactRun& run, const FactRun& next) {
  return next.epoch == run.epoch && next.first.value == run.first.value + run.entries.size() &&
         run.entries.size() + next.entries.size() <= limits::kBatchFacts;
}

}  // namespace

void Inbox::put(Incoming message) {
  auto* facts = std::get_if<FactRun>(&message);
  if (facts != nullptr) {
    facts_ += facts->entries.size();
    for (const PendingEntry& entry : facts->entries) bytes_ += entry.bytes.size();
    auto* before = messages_.empty() ? nullptr : std::get_if<FactRun>(&messages_.back());
    if (before != nullptr && follows(*before, *facts)) {
      std::move(facts->entries.begin(), facts->entries.end(), std::back_inserter(before->entries));
      before->chain = std::move(facts->chain);
      return;
    }
  }
  messages_.push_back(std::move(message));
}

std::vector<Incoming> Inbox::take() {
  facts_ = 0;
  bytes_ = 0;
  return std::exchange(messages_, {});
}

}  // namespace tocsin::collector
