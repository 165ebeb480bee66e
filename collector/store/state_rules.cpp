#include "collector/store/state_rules.hpp"

#include <charconv>

#include <fmt/format.h>

namespace tocsin::collector {

std::optional<IncidentId> internal_id(std::string_view reference) {
  std::uint64_t value = 0;
  const char* end = reference.data() + reference.size();
  const auto [stopped, error] = std::from_chars(reference.data(), end, value);
  if (error != std::errc{} || stopped != end || reference.empty()) return std::nullopt;
  return IncidentId{value};
}

tl::unexpected<Error> cursor_went_back(Position stored, Position given) {
  return fail(ErrorCode::failed_precondition,
              fmt::format("commit to state: entries are judged up to {}, not {}", stored.value,
                          given.value));
}

tl::unexpected<Error> timeline_item_exists(const model::TimelineItem& item) {
  return fail(ErrorCode::already_exists,
              fmt::format("commit to state: incident {} already has timeline item {}",
                          item.incident.value, item.index));
}

}  // namespace tocsin::collector
