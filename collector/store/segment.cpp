#include "collector/store/segment.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store/chain.hpp"

namespace tocsin::collector {
namespace {

constexpr std::int64_t kSchema = 1;
constexpr std::int64_t kApplication = 0x54534a31;  // "TSJ1": tells a segment from other databases
constexpr std::string_view kPrefix = "journal-";
constexpr std::string_view kSuffix = ".db";
constexpr std::array<std::string_view, 3> kCompanions{"-journal", "-wal", "-shm"};

constexpr std::string_view kTables =
    "CREATE TABLE entry(pos INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE commit_group(first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
    " at INTEGER NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE TABLE segment(number INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
    " prev_hash BLOB NOT NULL, prev_at INTEGER NOT NULL);"
    "CREATE TABLE spool_cursor(agent TEXT NOT NULL, epoch INTEGER NOT NULL, last INTEGER NOT NULL,"
    " chain BLOB NOT NULL DEFAULT x'', PRIMARY KEY(agent, epoch)) WITHOUT ROWID;";

std::optional<std::uint32_t> number_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size() || name.size() < 6) {
    return std::nullopt;
  }
  return number;
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail(system_error(fmt::format("remove {}", path), errno));
  }
  return {};
}

Status remove_with_companions(const std::string& path) {
  TOCSIN_TRY(remove_file(path));
  for (const std::string_view companion : kCompanions) {
    TOCSIN_TRY(remove_file(path + std::string(companion)));
  }
  return {};
}

// Makes names that were added to or removed from the directory durable.
Status sync_directory(const std::string& directory) {
  const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return fail(system_error(fmt::format("open {}", directory), errno));
  const int result = ::fsync(handle);
  const int error = errno;
  ::close(handle);
  if (result != 0) return fail(system_error(fmt::format("sync {}", directory), error));
  return {};
}

Status write_segment(const SqliteJournalOptions& options, const std::string& path,
                     const SegmentHead& head, std::span<const SpoolCursor> cursors) {
  sqlite::OpenOptions how;
  how.vfs = options.vfs;
  how.wal = false;  // A rollback journal leaves one complete file behind; WAL begins with it.
  Result<sqlite::Database> made = sqlite::Database::open(path, how);
  if (!made) return fail(made.error());
  TOCSIN_TRY(made->execute("PRAGMA synchronous=EXTRA"));
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(*made);
  if (!transaction) return fail(transaction.error());
  TOCSIN_TRY(made->execute(std::string(kTables)));
  TOCSIN_TRY(made->execute(fmt::format("PRAGMA application_id={}", kApplication)));
  TOCSIN_TRY(made->set_user_version(kSchema));
  Result<sqlite::Statement> segment =
      made->prepare("INSERT INTO segment(number, first, prev_hash, prev_at) VALUES(?, ?, ?, ?)");
  if (!segment) return fail(segment.error());
  TOCSIN_TRY(segment->bind(1, std::int64_t{head.number})
                 .bind(2, head.first.value)
                 .bind_blob(3, head.prev_hash)
                 .bind(4, head.prev_at.ns)
                 .run());
  Result<sqlite::Statement> cursor =
      made->prepare("INSERT INTO spool_cursor(agent, epoch, last, chain) VALUES(?, ?, ?, ?)");
  if (!cursor) return fail(cursor.error());
  for (const SpoolCursor& row : cursors) {
    TOCSIN_TRY(cursor->bind(1, std::string_view(row.agent.hex))
                   .bind(2, row.epoch.value)
                   .bind(3, row.last.value)
                   .bind_blob(4, row.chain)
                   .run());
  }
  TOCSIN_TRY(transaction->commit());
  // Already here, so that opening it never has to change it: not even on a full disk.
  return made->execute("PRAGMA journal_mode=WAL");
}

// Is this file a segment that we can read?
Status check_kind(sqlite::Database& database) {
  const Result<std::int64_t> application = database.query_int("PRAGMA application_id");
  if (!application) return fail(application.error());
  if (*application != kApplication) {
    return fail(ErrorCode::data_loss,
                fmt::format("open {}: not a segment of the journal", database.path()));
  }
  const Result<std::int64_t> schema = database.user_version();
  if (!schema) return fail(schema.error());
  if (*schema > kSchema) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("open {}: written by a newer version (schema {}, this one knows {})",
                            database.path(), *schema, kSchema));
  }
  return {};
}

Result<SegmentHead> read_head(sqlite::Database& database, std::uint32_t number) {
  Result<sqlite::Statement> row =
      database.prepare("SELECT number, first, prev_hash, prev_at FROM segment");
  if (!row) return fail(row.error());
  const Result<bool> found = row->step();
  if (!found) return fail(found.error());
  if (!*found || row->int64(0) != number || row->blob(2).size() != kHashBytes) {
    return fail(ErrorCode::data_loss,
                fmt::format("open {}: its own record does not say that it is segment {}",
                            database.path(), number));
  }
  return SegmentHead{number, Position{row->uint64(1)}, std::string(row->blob(2)),
                     Instant{row->int64(3)}};
}

}  // namespace

std::string segment_path(const SqliteJournalOptions& options, std::uint32_t number) {
  return fmt::format("{}/{}{:06}{}", options.directory, kPrefix, number, kSuffix);
}

bool segment_exists(const SqliteJournalOptions& options, std::uint32_t number) {
  struct stat status {};
  return ::stat(segment_path(options, number).c_str(), &status) == 0;
}

Result<std::vector<std::uint32_t>> list_segments(const SqliteJournalOptions& options) {
  std::error_code error;
  std::vector<std::uint32_t> numbers;
  std::filesystem::directory_iterator files(options.directory, error);
  for (; !error && files != std::filesystem::directory_iterator{}; files.increment(error)) {
    if (const auto number = number_of(files->path().filename().native())) {
      numbers.push_back(*number);
    }
  }
  if (error) return fail(system_error(fmt::format("list {}", options.directory), error.value()));
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] != numbers[i - 1] + 1) {
      return fail(ErrorCode::data_loss, fmt::format("open journal: {} is missing",
                                                    segment_path(options, numbers[i - 1] + 1)));
    }
  }
  return numbers;
}

Result<Segment> open_segment(const SqliteJournalOptions& options, std::uint32_t number,
                             Access access) {
  const std::string path = segment_path(options, number);
  if (!segment_exists(options, number)) {
    return fail(ErrorCode::not_found, fmt::format("open {}: no such file", path));
  }
  sqlite::OpenOptions how;
  how.vfs = options.vfs;
  how.create = false;
  how.wal = access == Access::write;
  Result<sqlite::Database> opened = sqlite::Database::open(path, how);
  if (!opened) return fail(opened.error());
  TOCSIN_TRY(check_kind(*opened));
  Result<SegmentHead> head = read_head(*opened, number);
  if (!head) return fail(head.error());
  if (access == Access::read) TOCSIN_TRY(opened->execute("PRAGMA query_only=1"));
  return Segment{std::move(*opened), std::move(*head)};
}

Status make_segment(const SqliteJournalOptions& options, const SegmentHead& head,
                    std::span<const SpoolCursor> cursors) {
  const std::string path = segment_path(options, head.number);
  const std::string unfinished = path + ".new";
  TOCSIN_TRY(remove_with_companions(unfinished));
  if (const Status written = write_segment(options, unfinished, head, cursors); !written) {
    static_cast<void>(remove_with_companions(unfinished));
    return written;
  }
  for (const std::string_view companion :
       kCompanions) {  // Empty; a WAL may be left by a busy disk.
    TOCSIN_TRY(remove_file(unfinished + std::string(companion)));
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    return fail(system_error(fmt::format("rename {}", unfinished), errno));
  }
  return sync_directory(options.directory);
}

Status remove_segment(const SqliteJournalOptions& options, std::uint32_t number) {
  TOCSIN_TRY(remove_with_companions(segment_path(options, number)));
  return sync_directory(options.directory);
}

Result<std::optional<GroupRow>> last_group(sqlite::Database& segment) {
  Result<sqlite::Statement> query = segment.prepare(
      "SELECT first, last, at, prev_hash, hash FROM commit_group ORDER BY first DESC LIMIT 1");
  if (!query) return fail(query.error());
  const Result<bool> found = query->step();
  if (!found) return fail(found.error());
  if (!*found) return std::nullopt;
  return GroupRow{Position{query->uint64(0)}, Position{query->uint64(1)}, Instant{query->int64(2)},
                  std::string(query->blob(3)), std::string(query->blob(4))};
}

Result<std::vector<SpoolCursor>> read_cursors(sqlite::Database& segment) {
  Result<sqlite::Statement> query =
      segment.prepare("SELECT agent, epoch, last, chain FROM spool_cursor ORDER BY agent, epoch");
  if (!query) return fail(query.error());
  std::vector<SpoolCursor> cursors;
  for (;;) {
    const Result<bool> row = query->step();
    if (!row) return fail(row.error());
    if (!*row) return cursors;
    cursors.push_back({AgentId{std::string(query->text(0))}, Epoch{query->uint64(1)},
                       Seq{query->uint64(2)}, std::string(query->blob(3))});
  }
}

// Readers of a version that does not know the column pass over it, so the schema's number stays.
Status add_chain_column(sqlite::Database& segment) {
  const Result<std::int64_t> there = segment.query_int(
      "SELECT count(*) FROM pragma_table_info('spool_cursor') WHERE name='chain'");
  if (!there) return fail(there.error());
  if (*there > 0) return {};
  return segment.execute("ALTER TABLE spool_cursor ADD COLUMN chain BLOB NOT NULL DEFAULT x''");
}

Result<sqlite::Statement> prepare_group_entries(sqlite::Database& segment) {
  return segment.prepare("SELECT pos, at, body FROM entry WHERE pos BETWEEN ? AND ? ORDER BY pos");
}

Result<std::string> recompute_hash(sqlite::Statement& entries, const GroupRow& group) {
  GroupHash hash;
  hash.begin(group.prev_hash, group.first, group.last);
  entries.bind(1, group.first.value).bind(2, group.last.value);
  Position expected = group.first;
  for (;; ++expected.value) {
    const Result<bool> row = entries.step();
    if (!row) return fail(row.error());
    if (!*row) break;
    const Position position{entries.uint64(0)};
    if (position != expected) {
      entries.reset();
      break;
    }
    hash.add(position, Instant{entries.int64(1)}, entries.blob(2));
  }
  if (expected.value != group.last.value + 1) {
    return fail(ErrorCode::not_found, fmt::format("entry {} is missing", expected.value));
  }
  return hash.finish();
}

}  // namespace tocsin::collector
