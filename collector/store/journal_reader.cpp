#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/store/segment.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "collector/store/verify_journal.hpp"

namespace tocsin::collector {
namespace {

// The segment that was read last, with its statement.
struct OpenSegment {
  Segment segment;
  sqlite::Statement from;

  static Result<OpenSegment> open(const SqliteJournalOptions& options, std::uint32_t number) {
    Result<Segment> segment = open_segment(options, number, Access::read);
    if (!segment) return fail(segment.error());
    Result<sqlite::Statement> from = segment->database.prepare(
        "SELECT pos, at, body FROM entry WHERE pos >= ? ORDER BY pos LIMIT ?");
    if (!from) return fail(from.error());
    return OpenSegment{std::move(*segment), std::move(*from)};
  }
  std::uint32_t number() const { return segment.head.number; }
};

class SqliteJournalReader final : public JournalReader {
 public:
  explicit SqliteJournalReader(SqliteJournalOptions options) : options_(std::move(options)) {}

  Result<std::vector<StoredEntry>> read(Position from, std::size_t max_entries,
                                        std::size_t max_bytes) override {
    std::vector<StoredEntry> entries;
    std::size_t bytes = 0;
    Position next{std::max<std::uint64_t>(from.value, 1)};
    const Result<bool> found = find_segment(next);
    if (!found) return fail(found.error());
    if (!*found) return entries;
    next = std::max(next, open_->segment.head.first);  // What was dropped is passed over.
    while (open_ && entries.size() < max_entries && bytes < max_bytes) {
      const std::size_t before = entries.size();
      TOCSIN_TRY(read_segment(next, max_entries - before, max_bytes - bytes, entries));
      for (std::size_t i = before; i < entries.size(); ++i) bytes += entries[i].body.size();
      if (entries.size() > before) continue;
      const Result<bool> more = go_on(next);
      if (!more && entries.empty()) return fail(more.error());
      if (!more) break;  // What was read is good; the next call meets the error again.
      if (!*more) break;
    }
    // Ours was dropped: find again.
    if (!open_ && entries.empty()) return read(from, max_entries, max_bytes);
    return entries;
  }

  Result<ChainReport> verify() override { return verify_journal(options_); }

 private:
  // Opens the segment that holds `position`, or would: the last one that begins at or before it, or
  // the oldest there is. False when there is none yet.
  Result<bool> find_segment(Position position) {
    // Reading on from where we are is by far the most frequent: no look at the directory for it.
    if (open_ && open_->segment.head.first <= position) return true;
    open_.reset();
    const Result<std::vector<std::uint32_t>> numbers = list_segments(options_);
    if (!numbers) return fail(numbers.error());
    if (numbers->empty()) return false;
    std::size_t low = 0;
    std::size_t high = numbers->size();
    while (high - low > 1) {
      const std::size_t middle = low + (high - low) / 2;
      const Result<Segment> segment = open_segment(options_, (*numbers)[middle], Access::read);
      if (!segment) return fail(segment.error());
      (segment->head.first <= position ? low : high) = middle;
    }
    TOCSIN_TRY(open((*numbers)[low]));
    return true;
  }

  Status open(std::uint32_t number) {
    Result<OpenSegment> opened = OpenSegment::open(options_, number);
    if (!opened) return fail(opened.error());
    open_.emplace(std::move(*opened));
    return {};
  }

  // Appends the entries from `next` on that the open segment has, and moves `next` behind them.
  Status read_segment(Position& next, std::size_t count, std::size_t bytes,
                      std::vector<StoredEntry>& entries) {
    sqlite::Statement& query = open_->from;
    query.bind(1, next.value).bind(2, static_cast<std::uint64_t>(count));
    for (;;) {
      const Result<bool> row = query.step();
      if (!row) return fail(row.error());
      if (!*row) break;
      const Position position{query.uint64(0)};
      if (position != next) {
        query.reset();
        return missing(next);
      }
      entries.push_back({position, Instant{query.int64(1)}, std::string(query.blob(2))});
      ++next.value;
      const std::size_t size = entries.back().body.size();
      if (size >= bytes) {
        query.reset();
        break;
      }
      bytes -= size;
    }
    return {};
  }

  // The open segment has nothing at `next`. True when there may be more: in the segment after it,
  // or in this one, because it was written on before the next one began.
  Result<bool> go_on(Position next) {
    const std::uint32_t after = open_->number() + 1;
    if (!segment_exists(options_, after)) {
      // Retention goes from the oldest on: when it took ours, it may have taken the next one too.
      if (!segment_exists(options_, open_->number())) open_.reset();
      return false;
    }
    Result<OpenSegment> opened = OpenSegment::open(options_, after);
    if (!opened) return fail(opened.error());
    if (opened->segment.head.first > next) {
      std::vector<StoredEntry> late;
      Position at = next;
      TOCSIN_TRY(read_segment(at, 1, kNoLimit, late));
      if (late.empty()) return missing(next);
      return true;
    }
    open_.emplace(std::move(*opened));
    return true;
  }

  tl::unexpected<Error> missing(Position position) const {
    return fail(ErrorCode::data_loss, fmt::format("read {}: entry {} is missing",
                                                  open_->segment.database.path(), position.value));
  }

  SqliteJournalOptions options_;
  std::optional<OpenSegment> open_;
};

}  // namespace

Result<std::unique_ptr<JournalReader>> open_journal_reader(const SqliteJournalOptions& options) {
  return std::make_unique<SqliteJournalReader>(options);
}

}  // namespace tocsin::collector
