#include "collector/store/prune_journal.hpp"

#include <vector>

#include "collector/store/segment.hpp"

namespace tocsin::collector {

Position keep_journal_from(std::span<const SegmentStart> segments, Instant now, Duration keep,
                           Position judged) {
  Position from = segments.empty() ? Position{} : segments.front().first;
  for (const SegmentStart& segment : segments) {
    if (segment.first > judged || now - segment.before <= keep) break;
    from = segment.first;
  }
  return from;
}

Result<DroppedSegments> prune_journal(const SqliteJournalOptions& options, std::uint32_t keep_days,
                                      Instant now, Position judged) {
  const Result<std::vector<std::uint32_t>> numbers = list_segments(options);
  if (!numbers) return fail(numbers.error());
  std::vector<SegmentStart> segments;
  for (const std::uint32_t number : *numbers) {
    const Result<Segment> segment = open_segment(options, number, Access::read);
    if (!segment) return fail(segment.error());
    segments.push_back({segment->head.first, segment->head.prev_at});
  }
  if (keep_days == 0) return DroppedSegments{0, segments.empty() ? Position{} : segments[0].first};
  const Duration keep = std::chrono::hours(24) * keep_days;
  return drop_segments_before(options, keep_journal_from(segments, now, keep, judged));
}

}  // namespace tocsin::collector
