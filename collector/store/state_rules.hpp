// What every state store must decide alike, so that no adapter decides it in its own way. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "collector/core/proposal.hpp"
#include "collector/ports/state.hpp"
#include "common/base/limits.hpp"

namespace tocsin::collector {

// load() returns findings that closed up to this long before the last judging.
inline constexpr Duration kClosedFindingsKept = 24h;

// The grade that lists filter by: the approved one, or the peak while none is approved.
inline model::Severity listed_severity(const model::Incident& incident) {
  return incident.approved != model::Severity::none ? incident.approved : incident.peak;
}

inline bool is_pending(const model::Notification& row) {
  return row.status == model::NotificationStatus::pending;
}

inline bool is_live(const model::BaselineRecord& record) {
  return record.status == model::BaselineStatus::proposed ||
         record.status == model::BaselineStatus::approved;
}

// Whether somebody tried to deliver it, so that it says something about its channel.
inline bool has_outcome(const model::Notification& row) { return row.attempts > 0; }

inline BaselineSummary summary_of(model::BaselineRecord record) {
  BaselineSummary summary;
  summary.entries = static_cast<std::uint32_t>(record.entries.size());
  summary.left_out = static_cast<std::uint32_t>(record.left_out.size());
  summary.marked = static_cast<std::uint32_t>(marked(record));
  record.entries.clear();
  record.left_out.clear();
  summary.record = std::move(record);
  return summary;
}

// Of what is here; a host's manifest says how much there is before it has come.
inline std::uint64_t bytes_here(const model::Evidence& evidence) {
  return evidence.manifest.empty() ? 0 : evidence.bytes;
}

inline std::size_t page_rows(const BaselineQuery& query) {
  return std::min(query.limit, limits::kPageRows);
}
inline std::size_t page_rows(const IncidentQuery& query) {
  return std::min(query.limit, limits::kPageRows);
}

// "42" as an internal id; nothing where the reference is not a plain number.
std::optional<IncidentId> internal_id(std::string_view reference);

tl::unexpected<Error> cursor_went_back(Position stored, Position given);
tl::unexpected<Error> timeline_item_exists(const model::TimelineItem& item);

}  // namespace tocsin::collector
