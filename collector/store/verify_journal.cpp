#include "collector/store/verify_journal.hpp"

#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/store/chain.hpp"
#include "collector/store/segment.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kGroupsAtATime = 64;  // Short statements: the writer's checkpoints go on.

using Problem = std::optional<model::Message>;

class Verifier {
 public:
  explicit Verifier(const SqliteJournalOptions& options) : options_(options) {}

  Result<ChainReport> run() {
    const Result<std::vector<std::uint32_t>> numbers = list_segments(options_);
    if (!numbers && numbers.error().code != ErrorCode::data_loss) return fail(numbers.error());
    if (!numbers) {
      file_ = std::filesystem::path(options_.directory).filename().string();
      return report(unreadable(numbers.error()));
    }
    for (const std::uint32_t number : *numbers) {
      file_ = std::filesystem::path(segment_path(options_, number)).filename().string();
      if (Problem problem = walk_segment(number)) return report(std::move(problem));
    }
    return report(std::nullopt);
  }

 private:
  ChainReport report(Problem problem) {
    report_.intact = !problem.has_value();
    report_.head_hash = to_hex(std::string_view(hash_));
    if (problem) report_.problem = std::move(*problem);
    return report_;
  }

  Problem walk_segment(std::uint32_t number) {
    Result<Segment> segment = open_segment(options_, number, Access::read);
    if (!segment) return unreadable(segment.error());
    if (Problem problem = enter(segment->head)) return problem;
    Result<sqlite::Statement> entries = prepare_group_entries(segment->database);
    if (!entries) return unreadable(entries.error());
    const std::uint64_t groups_before = report_.groups;
    for (;;) {
      // What is read in one round is one snapshot, so that a writer beside us is no problem.
      const Result<sqlite::Snapshot> snapshot = sqlite::Snapshot::begin(segment->database);
      if (!snapshot) return unreadable(snapshot.error());
      const Result<std::vector<GroupRow>> groups = next_groups(segment->database);
      if (!groups) return unreadable(groups.error());
      if (groups->empty()) {
        return check_rest(segment->database, segment->head, report_.groups - groups_before);
      }
      for (const GroupRow& group : *groups) {
        if (Problem problem = check(group, *entries)) return problem;
      }
    }
  }

  // Does the segment go on where the one before ended? The oldest one is believed: what came before
  // it was dropped.
  Problem enter(const SegmentHead& head) {
    if (report_.first) {
      if (head.first.value != next_.value) return message("journal.chain.missing", next_);
      if (head.prev_hash != hash_) return message("journal.chain.link", head.first);
      if (head.prev_at != at_) return message("journal.chain.order", head.first);
      return std::nullopt;
    }
    if (head.first == Position{1}) {
      if (head.prev_hash != first_prev_hash()) return message("journal.chain.link", head.first);
      if (head.prev_at != Instant{}) return message("journal.chain.order", head.first);
    }
    report_.first = head.first;
    next_ = head.first;
    hash_ = head.prev_hash;
    at_ = head.prev_at;
    return std::nullopt;
  }

  Problem check(const GroupRow& group, sqlite::Statement& entries) {
    if (group.first > next_) return message("journal.chain.missing", next_);
    if (group.first < next_ || group.last < group.first)
      return message("journal.chain.order", group.first);
    if (group.prev_hash != hash_) return message("journal.chain.link", group.first);
    if (group.at < at_) return message("journal.chain.order", group.first);
    const Result<std::string> hash = recompute_hash(entries, group);
    if (!hash) {
      if (hash.error().code != ErrorCode::not_found) return unreadable(hash.error());
      return missing_in(group, entries);
    }
    if (*hash != group.hash || !same_time(group, entries)) return altered(group);
    ++report_.groups;
    report_.entries += group.last.value - group.first.value + 1;
    report_.last = group.last;
    next_ = Position{group.last.value + 1};
    hash_ = group.hash;
    at_ = group.at;
    return std::nullopt;
  }

  // The group's own time is not under its hash; its entries' is, and must be the same.
  static bool same_time(const GroupRow& group, sqlite::Statement& entries) {
    entries.bind(1, group.first.value).bind(2, group.first.value);
    const Result<bool> row = entries.step();
    const bool same = row && *row && Instant{entries.int64(1)} == group.at;
    entries.reset();
    return same;
  }

  Problem missing_in(const GroupRow& group, sqlite::Statement& entries) {
    Position position = group.first;
    for (; position <= group.last; ++position.value) {
      entries.bind(1, position.value).bind(2, position.value);
      const Result<bool> row = entries.step();
      if (!row) return unreadable(row.error());
      if (!*row) break;
      entries.reset();
    }
    return message("journal.chain.missing", position);
  }

  // Rows that the walk over the groups did not come by.
  Problem check_rest(sqlite::Database& database, const SegmentHead& head, std::uint64_t walked) {
    Result<sqlite::Statement> stray =
        database.prepare("SELECT pos FROM entry WHERE pos < ? OR pos >= ? ORDER BY pos LIMIT 1");
    if (!stray) return unreadable(stray.error());
    stray->bind(1, head.first.value).bind(2, next_.value);
    const Result<bool> found = stray->step();
    if (!found) return unreadable(found.error());
    if (*found) return message("journal.chain.stray", Position{stray->uint64(0)});
    const Result<std::int64_t> groups = database.query_int("SELECT count(*) FROM commit_group");
    if (!groups) return unreadable(groups.error());
    if (static_cast<std::uint64_t>(*groups) != walked)
      return message("journal.chain.order", head.first);
    return std::nullopt;
  }

  Result<std::vector<GroupRow>> next_groups(sqlite::Database& database) {
    Result<sqlite::Statement> query = database.prepare(
        fmt::format("SELECT first, last, at, prev_hash, hash FROM commit_group WHERE first >= ?"
                    " ORDER BY first LIMIT {}",
                    kGroupsAtATime));
    if (!query) return fail(query.error());
    query->bind(1, next_.value);
    std::vector<GroupRow> groups;
    for (;;) {
      const Result<bool> row = query->step();
      if (!row) return fail(row.error());
      if (!*row) return groups;
      groups.push_back({Position{query->uint64(0)}, Position{query->uint64(1)},
                        Instant{query->int64(2)}, std::string(query->blob(3)),
                        std::string(query->blob(4))});
    }
  }

  Problem message(std::string_view code, Position position) const {
    return model::Message{std::string(code),
                          {{"segment", file_}, {"position", std::to_string(position.value)}}};
  }
  Problem altered(const GroupRow& group) const {
    return model::Message{"journal.chain.altered",
                          {{"segment", file_},
                           {"from", std::to_string(group.first.value)},
                           {"to", std::to_string(group.last.value)}}};
  }
  Problem unreadable(const Error& error) const {
    return model::Message{
        "journal.chain.unreadable",
        {{"segment", file_}, {"detail", clean_text(error.message, limits::kText)}}};
  }

  const SqliteJournalOptions& options_;
  ChainReport report_;
  std::string file_;
  std::string hash_ = first_prev_hash();
  Instant at_;
  Position next_;
};

}  // namespace

Result<ChainReport> verify_journal(const SqliteJournalOptions& options) {
  return Verifier(options).run();
}

}  // namespace tocsin::collector
