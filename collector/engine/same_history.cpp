#include "collector/engine/same_history.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace tocsin::collector {
namespace {

constexpr const char* kWhatToDo =
    "put back copies of state.db and journal/ that were made together, or move state.db away: it "
    "is made again from the journal";

}  // namespace

Status same_history(JournalReader& journal, Position judged, Instant judged_at) {
  const auto found = journal.read(Position{std::max<std::uint64_t>(judged.value, 1)}, 1);
  if (!found) return fail(found.error());
  if (found->empty()) {
    if (judged == Position{}) return {};
    return fail(ErrorCode::failed_precondition,
                fmt::format("state.db was judged to entry {}, and the journal ends before it: the "
                            "journal is an older copy; {}",
                            judged.value, kWhatToDo));
  }
  const StoredEntry& entry = found->front();
  if (entry.position.value > judged.value + 1) {
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("state.db was judged to entry {}, and the journal begins at entry {}: what "
                    "was between is dropped (keep_days) and would never be judged; put back a copy "
                    "of state.db that was judged to {} or later",
                    judged.value, entry.position.value, entry.position.value - 1));
  }
  // To the nanosecond: another entry at this position is one of another history.
  if (entry.position == judged && entry.at != judged_at) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("state.db was judged to another entry {} than the journal has: they do "
                            "not belong together; {}",
                            judged.value, kWhatToDo));
  }
  return {};
}

}  // namespace tocsin::collector
