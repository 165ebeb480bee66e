#include "agent/spool/schema.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool/bell.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE state(
  id INTEGER PRIMARY KEY CHECK(id = 1),
  epoch INTEGER NOT NULL,
  number_base INTEGER NOT NULL,    -- sequence number = row.number - number_base
  last_number INTEGER NOT NULL,
  bytes INTEGER NOT NULL,          -- of the rows, with what keeping a row costs
  lost_count INTEGER NOT NULL,     -- refused and not yet told by a SpoolLoss fact
  lost_from INTEGER NOT NULL,
  lost_to INTEGER NOT NULL,
  lost_cause TEXT NOT NULL,
  assignment BLOB,
  assignment_digest TEXT NOT NULL
);
CREATE TABLE row(number INTEGER PRIMARY KEY, wall INTEGER NOT NULL, fact BLOB NOT NULL);
CREATE TABLE cursor(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE check_state(
  kind INTEGER NOT NULL,
  target TEXT NOT NULL,
  last_run INTEGER NOT NULL,
  last_run_monotonic INTEGER NOT NULL,
  digest BLOB NOT NULL,
  unchanged_since_monotonic INTEGER NOT NULL,
  interval INTEGER NOT NULL,
  last_number INTEGER NOT NULL,
  PRIMARY KEY(kind, target)
) WITHOUT ROWID;
CREATE TABLE request(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL,          -- 0 waiting, 1 started, 2 expired, 3 finished
  life INTEGER NOT NULL,           -- of the observer that started it
  expires INTEGER NOT NULL,
  body BLOB NOT NULL
);
)";

// Schema 2: the chain, a rolling hash over all facts ever numbered. A row has the value after it;
// `state` has the one before the oldest row and the one after the newest. Empty: from before. And
// the checks whose result the collector wants again.
constexpr const char* kChain = R"(
ALTER TABLE row ADD COLUMN chain BLOB NOT NULL DEFAULT x'';
ALTER TABLE state ADD COLUMN first_chain BLOB NOT NULL DEFAULT x'';
ALTER TABLE state ADD COLUMN last_chain BLOB NOT NULL DEFAULT x'';
CREATE TABLE resend(kind INTEGER NOT NULL, target TEXT NOT NULL, PRIMARY KEY(kind, target))
  WITHOUT ROWID;
)";

// The mode is for two processes of one group; SQLite gives its -wal and -shm the mode of the file.
constexpr mode_t kMode = 0660;

Status touch(const std::string& path) {
  const net::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (file.get() < 0) return fail(system_error(fmt::format("open {}", path), errno));
  return {};
}

Status lock(const net::Fd& file, const std::string& path) {
  if (file.get() < 0) return fail(system_error(fmt::format("open {}", path), errno));
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(system_error(fmt::format("lock {}", path), errno));
  }
  return {};
}

Status create(sqlite::Database& database, Epoch epoch) {
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(database);
  if (!transaction) return fail(transaction.error());
  TOCSIN_TRY(database.execute(kTables));
  Result<sqlite::Statement> insert =
      database.prepare("INSERT INTO state VALUES(1, ?, 0, 0, 0, 0, 0, 0, '', NULL, '')");
  if (!insert) return fail(insert.error());
  TOCSIN_TRY(insert->bind(1, epoch.value).run());
  TOCSIN_TRY(database.execute(kChain));
  TOCSIN_TRY(database.set_user_version(kSpoolSchema));
  return transaction->commit();
}

// Forward only, and all or nothing. A process of the version before goes on with the same file
// until it is restarted: it names the columns that it writes.
Status migrate(sqlite::Database& database, const std::string& path, std::int64_t from) {
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(database);
  if (!transaction) return fail(transaction.error());
  TOCSIN_TRY(database.execute(kChain));
  TOCSIN_TRY(database.set_user_version(kSpoolSchema));
  TOCSIN_TRY(transaction->commit());
  log::info("spool.migrated", {{"path", path}, {"from", from}, {"to", kSpoolSchema}});
  return {};
}

// What opening found. `damaged` tells content that cannot be trusted from a disk that does not
// answer.
struct Opened {
  Result<sqlite::Database> database;
  bool damaged = false;
};

// Makes the tables of a new file; checks those of an old one.
Status prepare_file(sqlite::Database& database, const std::string& path, Epoch epoch) {
  TOCSIN_TRY(database.use_wal());
  TOCSIN_TRY(database.execute("PRAGMA journal_size_limit=8388608"));
  const Result<std::int64_t> version = database.user_version();
  if (!version) return fail(version.error());
  if (*version > kSpoolSchema) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("{} was written by a newer version (schema {}, this program knows {}); "
                            "install that version again or move the file away",
                            path, *version, kSpoolSchema));
  }
  if (*version == 0) return create(database, epoch);
  TOCSIN_TRY(database.check());
  return *version < kSpoolSchema ? migrate(database, path, *version) : Status{};
}

Opened open_once(const std::string& path, const SpoolOptions& options, Epoch epoch) {
  sqlite::OpenOptions open_options;
  open_options.vfs = options.vfs;
  open_options.wal = false;
  Result<sqlite::Database> database = sqlite::Database::open(path, open_options);
  if (!database) return {fail(database.error())};
  const Status prepared = prepare_file(*database, path, epoch);
  if (prepared) return {std::move(database)};
  return {fail(prepared.error()), is_damage(*database, prepared.error())};
}

// Renames the file and SQLite's companions to a name that is free; returns the main file's new
// name.
Result<std::string> set_aside(const std::string& path) {
  constexpr int kMostKept = 1000;
  for (int n = 1; n <= kMostKept; ++n) {
    const std::string target = fmt::format("{}.damaged-{}", path, n);
    if (::access(target.c_str(), F_OK) == 0) continue;
    for (const char* suffix : {"-wal", "-shm", ""}) {
      const std::string from = path + suffix;
      const std::string to = target + suffix;
      if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
        return fail(system_error(fmt::format("rename {}", from), errno));
      }
    }
    return target;
  }
  return fail(ErrorCode::resource_exhausted,
              fmt::format("{}: {} damaged files are kept already", path, kMostKept));
}

}  // namespace

Result<SpoolFile> open_spool_file(const std::string& path, const SpoolOptions& options,
                                  Epoch fresh_epoch) {
  const std::string lock_path = path + ".lock";
  const net::Fd lock_file(
      ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  TOCSIN_TRY(lock(lock_file, lock_path));
  TOCSIN_TRY(touch(path));
  Opened opened = open_once(path, options, fresh_epoch);
  std::string aside;
  if (opened.damaged) {
    const Error reason = opened.database.error();
    const Result<std::string> moved = set_aside(path);
    if (!moved) return fail(moved.error());
    aside = *moved;
    log::error("spool.damaged", {{"path", path}, {"kept_as", aside}, {"reason", reason.message}});
    TOCSIN_TRY(touch(path));
    opened = open_once(path, options, fresh_epoch);
  }
  if (!opened.database) return fail(opened.database.error());
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail(system_error("stat " + path, errno));
  return SpoolFile{std::move(*opened.database),
                   found.st_dev,
                   found.st_ino,
                   std::move(aside),
                   open_bell(path, Bell::up, found),
                   open_bell(path, Bell::down, found)};
}

// A failed check() is a row that says what is wrong, not a failed call.
bool is_damage(const sqlite::Database& database, const Error& why) {
  return why.code == ErrorCode::data_loss &&
         (database.damaged() || why.message.starts_with("check "));
}

Status check_same_file(const SpoolFile& file) {
  struct stat found {};
  if (::stat(file.database.path().c_str(), &found) == 0 && found.st_dev == file.device &&
      found.st_ino == file.inode) {
    return {};
  }
  return fail(ErrorCode::data_loss,
              fmt::format("{} was replaced since it was opened", file.database.path()));
}

}  // namespace tocsin::agent
