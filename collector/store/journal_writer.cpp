#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store/chain.hpp"
#include "collector/store/segment.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kRowsOfStatement = 16;  // 25-30 % faster than one row a statement.
constexpr std::uint64_t kEntryOverhead = 32;  // bytes of a row beside its body, roughly

// The lock that keeps a second writer out; held as long as it lives.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::string& directory) {
    const std::string path = directory + "/journal.lock";
    const int handle = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (handle < 0) return fail(system_error(fmt::format("open {}", path), errno));
    DirectoryLock lock(handle);
    if (::flock(handle, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return fail(system_error(fmt::format("lock {}", path), errno));
    return fail(ErrorCode::failed_precondition,
                fmt::format("lock {}: another collector writes this journal", path));
  }
  DirectoryLock(DirectoryLock&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock() {
    if (handle_ >= 0) ::close(handle_);
  }

 private:
  explicit DirectoryLock(int handle) : handle_(handle) {}
  int handle_;
};

std::string entry_insert(std::size_t rows) {
  // OR FAIL: an error leaves earlier rows of the statement to the transaction's rollback, so SQLite
  // keeps no journal for the statement alone.
  std::string sql = "INSERT OR FAIL INTO entry(pos, at, body) VALUES(?, ?, ?)";
  for (std::size_t row = 1; row < rows; ++row) sql += ",(?, ?, ?)";
  return sql;
}

// The segment that is written, with its statements. Members in this order: statements go first.
struct Current {
  Segment segment;
  sqlite::Statement many;
  sqlite::Statement one;
  sqlite::Statement group;
  sqlite::Statement cursor;
  std::uint64_t bytes = 0;  // about what the file holds

  static Result<Current> open(const SqliteJournalOptions& options, std::uint32_t number);
};

Result<Current> Current::open(const SqliteJournalOptions& options, std::uint32_t number) {
  Result<Segment> segment = open_segment(options, number, Access::write);
  if (!segment) return fail(segment.error());
  sqlite::Database& database = segment->database;
  TOCSIN_TRY(
      database.execute(fmt::format("PRAGMA wal_autocheckpoint={}", options.checkpoint_pages)));
  const Result<std::int64_t> pages = database.query_int("PRAGMA page_count");
  if (!pages) return fail(pages.error());
  const Result<std::int64_t> page_size = database.query_int("PRAGMA page_size");
  if (!page_size) return fail(page_size.error());
  TOCSIN_TRY(add_chain_column(database));
  Result<sqlite::Statement> many = database.prepare(entry_insert(kRowsOfStatement));
  if (!many) return fail(many.error());
  Result<sqlite::Statement> one = database.prepare(entry_insert(1));
  if (!one) return fail(one.error());
  Result<sqlite::Statement> group = database.prepare(
      "INSERT INTO commit_group(first, last, at, prev_hash, hash) VALUES(?, ?, ?, ?, ?)");
  if (!group) return fail(group.error());
  Result<sqlite::Statement> cursor = database.prepare(
      "INSERT INTO spool_cursor(agent, epoch, last, chain) VALUES(?, ?, ?, ?)"
      " ON CONFLICT(agent, epoch) DO UPDATE SET last=excluded.last, chain=excluded.chain");
  if (!cursor) return fail(cursor.error());
  return Current{std::move(*segment), std::move(*many),
                 std::move(*one),     std::move(*group),
                 std::move(*cursor),  static_cast<std::uint64_t>(*pages * *page_size)};
}

// Where the chain stands at the end of a segment.
struct Tail {
  Position head;
  Instant at;
  std::string hash;
};

// Reads the end of a segment and recomputes the hash of its last group.
Result<Tail> tail_of(Segment& segment) {
  sqlite::Database& database = segment.database;
  const Result<std::optional<GroupRow>> group = last_group(database);
  if (!group) return fail(group.error());
  Tail tail{Position{segment.head.first.value - 1}, segment.head.prev_at, segment.head.prev_hash};
  if (*group) {
    Result<sqlite::Statement> entries = prepare_group_entries(database);
    if (!entries) return fail(entries.error());
    const Result<std::string> hash = recompute_hash(*entries, **group);
    if (!hash || *hash != (*group)->hash) {
      return fail(ErrorCode::data_loss,
                  fmt::format("open {}: the last group, entries {} to {}, is damaged{}{}",
                              database.path(), (*group)->first.value, (*group)->last.value,
                              hash ? "" : ": ", hash ? "" : hash.error().message));
    }
    tail = {(*group)->last, (*group)->at, *hash};
  }
  const Result<std::int64_t> stray = database.query_int("SELECT ifnull(max(pos), 0) FROM entry");
  if (!stray) return fail(stray.error());
  if (static_cast<std::uint64_t>(*stray) > tail.head.value) {
    return fail(ErrorCode::data_loss,
                fmt::format("open {}: entry {} belongs to no group", database.path(), *stray));
  }
  return tail;
}

// Opens all segments in turn and checks that each goes on where the one before ended.
Result<Tail> follow_segments(const SqliteJournalOptions& options,
                             const std::vector<std::uint32_t>& numbers) {
  std::optional<Tail> tail;
  for (const std::uint32_t number : numbers) {
    Result<Segment> segment = open_segment(options, number, Access::read);
    if (!segment) return fail(segment.error());
    if (tail && (segment->head.first.value != tail->head.value + 1 ||
                 segment->head.prev_hash != tail->hash || segment->head.prev_at != tail->at)) {
      return fail(
          ErrorCode::data_loss,
          fmt::format("open {}: does not go on where the segment before it ends, at entry {}",
                      segment->database.path(), tail->head.value));
    }
    Result<Tail> next = tail_of(*segment);
    if (!next) return fail(next.error());
    tail = std::move(*next);
  }
  return *tail;
}

class SqliteJournalWriter final : public JournalWriter {
 public:
  SqliteJournalWriter(SqliteJournalOptions options, DirectoryLock lock, Current current, Tail tail)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        current_(std::move(current)),
        tail_(std::move(tail)) {}

  Result<Position> append(std::span<const std::string> bodies, Instant at,
                          std::span<const SpoolCursor> cursors) override {
    if (bodies.empty()) return fail(ErrorCode::invalid_argument, "append to journal: no entries");
    if (at < tail_.at) {
      return fail(ErrorCode::invalid_argument, "append to journal: journal time went back");
    }
    if (current_->bytes >= options_.segment_bytes && tail_.head >= current_->segment.head.first) {
      if (Status begun = begin_segment(); !begun) return fail(retryable(std::move(begun.error())));
    }
    const GroupRow group = link(bodies, at);
    if (Status written = write(group, bodies, cursors); !written) {
      return fail(damaged_ ? std::move(written.error()) : retryable(std::move(written.error())));
    }
    tail_ = {group.last, at, group.hash};
    for (const std::string& body : bodies) current_->bytes += body.size() + kEntryOverhead;
    return group.first;
  }

  Position head() const override { return tail_.head; }
  Instant head_time() const override { return tail_.at; }
  Result<std::vector<SpoolCursor>> spool_cursors() override {
    return read_cursors(current_->segment.database);
  }

 private:
  // The group's row, with the hash that links it to the one before.
  GroupRow link(std::span<const std::string> bodies, Instant at) {
    GroupRow group{Position{tail_.head.value + 1},
                   Position{tail_.head.value + bodies.size()},
                   at,
                   tail_.hash,
                   {}};
    hash_.begin(group.prev_hash, group.first, group.last);
    Position position = group.first;
    for (const std::string& body : bodies) {
      hash_.add(position, at, body);
      ++position.value;
    }
    group.hash = hash_.finish();
    return group;
  }

  Status write(const GroupRow& group, std::span<const std::string> bodies,
               std::span<const SpoolCursor> cursors) {
    sqlite::Database& database = current_->segment.database;
    Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(database);
    Status written = transaction ? write_rows(group, bodies, cursors) : fail(transaction.error());
    if (written) written = transaction->commit();
    damaged_ = !written && database.damaged();  // Asked before the rollback forgets it.
    return written;
  }

  Status write_rows(const GroupRow& group, std::span<const std::string> bodies,
                    std::span<const SpoolCursor> cursors) {
    TOCSIN_TRY(write_entries(group, bodies));
    TOCSIN_TRY(current_->group.bind(1, group.first.value)
                   .bind(2, group.last.value)
                   .bind(3, group.at.ns)
                   .bind_blob_in_place(4, group.prev_hash)
                   .bind_blob_in_place(5, group.hash)
                   .run());
    for (const SpoolCursor& row : cursors) {
      TOCSIN_TRY(current_->cursor.bind(1, std::string_view(row.agent.hex))
                     .bind(2, row.epoch.value)
                     .bind(3, row.last.value)
                     .bind_blob_in_place(4, row.chain)
                     .run());
    }
    return {};
  }

  Status write_entries(const GroupRow& group, std::span<const std::string> bodies) {
    std::uint64_t position = group.first.value;
    while (!bodies.empty()) {
      const std::size_t rows = bodies.size() >= kRowsOfStatement ? kRowsOfStatement : 1;
      sqlite::Statement& insert = rows == 1 ? current_->one : current_->many;
      int parameter = 0;
      for (const std::string& body : bodies.first(rows)) {
        insert.bind(++parameter, position++);
        insert.bind(++parameter, group.at.ns);
        insert.bind_blob_in_place(++parameter, body);
      }
      TOCSIN_TRY(insert.run());
      bodies = bodies.subspan(rows);
    }
    return {};
  }

  // Goes over to the next segment. When it fails the old one stays the current one, nothing is
  // written to it, and the next append comes here again.
  Status begin_segment() {
    const SegmentHead head{current_->segment.head.number + 1, Position{tail_.head.value + 1},
                           tail_.hash, tail_.at};
    if (!segment_exists(options_, head.number)) {
      const Result<std::vector<SpoolCursor>> cursors = spool_cursors();
      if (!cursors) return fail(cursors.error());
      TOCSIN_TRY(make_segment(options_, head, *cursors));
    }
    Result<Current> next = Current::open(options_, head.number);
    if (!next) return fail(next.error());
    current_.emplace(std::move(*next));  // The last connection to the old one empties its WAL.
    log::info("journal.segment_begun", {{"segment", head.number}, {"first", head.first.value}});
    return {};
  }

  // An I/O error changed nothing and may pass, as a full disk does.
  static Error retryable(Error error) {
    if (error.code == ErrorCode::data_loss) error.code = ErrorCode::resource_exhausted;
    return error;
  }

  SqliteJournalOptions options_;
  DirectoryLock lock_;
  std::optional<Current> current_;
  Tail tail_;
  GroupHash hash_;
  bool damaged_ = false;  // by the last write's own account
};

Status make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(system_error(fmt::format("make {}", directory), errno));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<JournalWriter>> open_journal_writer(const SqliteJournalOptions& options) {
  TOCSIN_TRY(make_directory(options.directory));
  Result<DirectoryLock> lock = DirectoryLock::take(options.directory);
  if (!lock) return fail(lock.error());
  Result<std::vector<std::uint32_t>> numbers = list_segments(options);
  if (!numbers) return fail(numbers.error());
  if (numbers->empty()) {
    TOCSIN_TRY(make_segment(options, {1, Position{1}, first_prev_hash(), Instant{}}, {}));
    numbers->push_back(1);
  }
  Result<Tail> tail = follow_segments(options, *numbers);
  if (!tail) return fail(tail.error());
  Result<Current> current = Current::open(options, numbers->back());
  if (!current) return fail(current.error());
  return std::make_unique<SqliteJournalWriter>(options, std::move(*lock), std::move(*current),
                                               std::move(*tail));
}

Result<DroppedSegments> drop_segments_before(const SqliteJournalOptions& options,
                                             Position keep_from) {
  const Result<std::vector<std::uint32_t>> numbers = list_segments(options);
  if (!numbers) return fail(numbers.error());
  DroppedSegments dropped;
  if (numbers->empty()) return dropped;
  for (std::size_t i = 0; i + 1 < numbers->size(); ++i) {
    const Result<Segment> next = open_segment(options, (*numbers)[i + 1], Access::read);
    if (!next) return fail(next.error());
    if (next->head.first > keep_from) break;
    TOCSIN_TRY(remove_segment(options, (*numbers)[i]));
    ++dropped.segments;
  }
  const Result<Segment> kept = open_segment(options, (*numbers)[dropped.segments], Access::read);
  if (!kept) return fail(kept.error());
  dropped.first_kept = kept->head.first;
  if (dropped.segments > 0) {
    log::info("journal.segments_dropped",
              {{"segments", dropped.segments}, {"first_kept", dropped.first_kept.value}});
  }
  return dropped;
}

}  // namespace tocsin::collector
