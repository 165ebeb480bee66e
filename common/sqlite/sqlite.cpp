#include "common/sqlite/sqlite.hpp"

#include <bit>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace tocsin::sqlite {
namespace {

ErrorCode code_of(int result, int system_error_number) {
  switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return ErrorCode::resource_exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
      return ErrorCode::data_loss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::unavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorCode::permission_denied;
    case SQLITE_CONSTRAINT:
      return ErrorCode::already_exists;
    case SQLITE_TOOBIG:
      return ErrorCode::invalid_argument;
    case SQLITE_CANTOPEN:
      return system_error_number == 0 ? ErrorCode::not_found
                                      : system_error("open", system_error_number).code;
    default:
      return ErrorCode::internal;
  }
}

Error error_of(sqlite3* database, std::string_view what, const std::string& path, int result) {
  const int number = database != nullptr ? sqlite3_system_errno(database) : 0;
  return Error{
      code_of(result, number),
      fmt::format("{} {}: {} (sqlite {})", what, path,
                  database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(result), result)};
}

// Every millisecond, so that who commits in a tight loop cannot keep the lock from us for long;
// SQLite's own handler soon asks only every 100 ms. `limit` is the number of milliseconds.
int wait_for_lock(void* limit, int tries) {
  if (tries >= reinterpret_cast<std::intptr_t>(limit)) return 0;
  sqlite3_sleep(1);
  return 1;
}

// As a URI, in which these characters would mean something.
std::string immutable_name(const std::string& path) {
  std::string name = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      name += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      name += c;
    }
  }
  return name + "?immutable=1";
}

// Of a file, or of a folder's names.
Status sync(const std::string& path) {
  const int handle = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return fail(system_error("open " + path, errno));
  const int result = ::fsync(handle);
  const int error = errno;
  ::close(handle);
  if (result != 0) return fail(system_error("sync " + path, error));
  return {};
}

}  // namespace

Statement::Statement(sqlite3_stmt* statement, std::string path)
    : statement_(statement), path_(std::move(path)) {}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)),
      path_(std::move(other.path_)),
      bind_error_(std::move(other.bind_error_)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    statement_ = std::exchange(other.statement_, nullptr);
    path_ = std::move(other.path_);
    bind_error_ = std::move(other.bind_error_);
  }
  return *this;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::remember(int code) {
  if (code != SQLITE_OK && !bind_error_) {
    bind_error_ = error_of(sqlite3_db_handle(statement_), "bind", path_, code);
  }
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  remember(sqlite3_bind_int64(statement_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::uint64_t value) {
  return bind(parameter, std::bit_cast<std::int64_t>(value));
}

Statement& Statement::bind(int parameter, std::string_view text) {
  remember(sqlite3_bind_text64(statement_, parameter, text.data() != nullptr ? text.data() : "",
                               text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  remember(sqlite3_bind_blob64(statement_, parameter, bytes.data() != nullptr ? bytes.data() : "",
                               bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_blob_in_place(int parameter, std::string_view bytes) {
  remember(sqlite3_bind_blob64(statement_, parameter, bytes.data() != nullptr ? bytes.data() : "",
                               bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  remember(sqlite3_bind_null(statement_, parameter));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_) {
    Error error = std::move(*bind_error_);
    reset();
    return fail(std::move(error));
  }
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = error_of(sqlite3_db_handle(statement_), sqlite3_sql(statement_), path_, result);
  reset();
  return fail(std::move(error));
}

Status Statement::run() {
  for (;;) {
    const Result<bool> row = step();
    if (!row) return fail(row.error());
    if (!*row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_error_.reset();
}

std::int64_t Statement::int64(int column) const { return sqlite3_column_int64(statement_, column); }

std::uint64_t Statement::uint64(int column) const {
  return std::bit_cast<std::uint64_t>(int64(column));
}

std::string_view Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);  // Statements that are still alive keep it until they go.
}

Database::Database(sqlite3* database, std::string path)
    : database_(database), path_(std::move(path)) {}

Result<Database> Database::open(const std::string& path, const OpenOptions& options) {
  const bool immutable = options.immutable && options.read_only;
  const std::string name = immutable ? immutable_name(path) : path;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (immutable ? SQLITE_OPEN_URI : 0) |
                    (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (options.create && !options.read_only ? SQLITE_OPEN_CREATE : 0);
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(name.c_str(), &handle, flags,
                                     options.vfs.empty() ? nullptr : options.vfs.c_str());
  Database database(handle, path);
  if (result != SQLITE_OK) return fail(error_of(handle, "open", path, result));
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(options.busy_timeout);
  sqlite3_busy_handler(handle, wait_for_lock, reinterpret_cast<void*>(wait.count()));
  if (options.wal && !options.read_only) TOCSIN_TRY(database.use_wal());
  return database;
}

Status Database::use_wal() {
  TOCSIN_TRY(execute("PRAGMA journal_mode=WAL"));
  return execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
}

Status Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return fail(error_of(database_.get(), sql, path_, result));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return fail(error_of(database_.get(), sql, path_, result));
  return Statement(statement, path_);
}

Result<std::int64_t> Database::query_int(std::string_view sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return fail(statement.error());
  const Result<bool> row = statement->step();
  if (!row) return fail(row.error());
  if (!*row) return fail(ErrorCode::not_found, fmt::format("{} {}: no row", sql, path_));
  return statement->int64(0);
}

Result<std::int64_t> Database::user_version() { return query_int("PRAGMA user_version"); }

Status Database::set_user_version(std::int64_t version) {
  return execute(fmt::format("PRAGMA user_version={}", version));
}

Status Database::check() {
  Result<Statement> statement = prepare("PRAGMA quick_check(1)");
  if (!statement) return fail(statement.error());
  const Result<bool> row = statement->step();
  if (!row) return fail(row.error());
  const std::string answer = *row ? std::string(statement->text(0)) : "no answer";
  if (answer == "ok") return {};
  return fail(ErrorCode::data_loss, fmt::format("check {}: {}", path_, answer));
}

std::int64_t Database::changes() const { return sqlite3_changes64(database_.get()); }

bool Database::damaged() const {
  const int code = sqlite3_errcode(database_.get()) & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

Status Database::checkpoint() { return execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

Status Database::copy_into(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) {
    return fail(ErrorCode::already_exists, fmt::format("copy {}: {} exists", path_, path));
  }
  Result<Statement> copy = prepare("VACUUM INTO ?");
  if (!copy) return fail(copy.error());
  Status done = copy->bind(1, std::string_view(path)).run();
  if (done) done = sync(path);
  if (done) done = sync(std::filesystem::path(path).parent_path().string());
  if (!done) ::unlink(path.c_str());
  return done;
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

Result<Transaction> Transaction::begin(Database& database) {
  TOCSIN_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // A failure may have rolled back already. What cannot be rolled back now is by the next opener.
  if (database_ != nullptr && database_->in_transaction()) {
    static_cast<void>(database_->execute("ROLLBACK"));
  }
}

Status Transaction::commit() {
  TOCSIN_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

Result<Snapshot> Snapshot::begin(Database& database) {
  TOCSIN_TRY(database.execute("BEGIN"));
  return Snapshot(database);
}

Snapshot::Snapshot(Snapshot&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Snapshot::~Snapshot() {
  if (database_ != nullptr) static_cast<void>(database_->execute("COMMIT"));
}

}  // namespace tocsin::sqlite
