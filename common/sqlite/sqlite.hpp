// SQLite as our stores use it: RAII over a connection, a prepared statement and a transaction, with
// errors as values. Knows no schema. Values never throw; a connection and what it made belong to
// one thread at a time (SQLITE_OPEN_NOMUTEX).
//
//   auto db = Database::open(path, {});                       // WAL, synchronous=FULL
//   auto insert = db->prepare("INSERT INTO row(seq, fact) VALUES(?, ?)");
//   auto transaction = Transaction::begin(*db);
//   TOCSIN_TRY(insert->bind(1, seq).bind_blob(2, bytes).run());
//   TOCSIN_TRY(transaction->commit());
//
// Error codes: SQLITE_FULL and NOMEM resource_exhausted; CORRUPT, NOTADB and IOERR data_loss; BUSY
// and LOCKED unavailable; PERM, READONLY and AUTH permission_denied; CONSTRAINT already_exists;
// CANTOPEN what errno says; the rest internal. Messages name the operation, the file and what
// SQLite said.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tocsin::sqlite {

struct OpenOptions {
  bool create = true;
  bool read_only = false;       // excludes `create`
  bool immutable = false;       // with `read_only`: nobody has it open; no file beside it is made
  std::string vfs;              // empty: SQLite's default; tests put one that fails here
  Duration busy_timeout = 10s;  // waiting for the other process's transaction
  bool wal = true;              // WAL and synchronous=FULL; else SQLite's defaults
};

// A prepared statement. Binding never fails by itself: the first failure is remembered and is what
// the next step() or run() returns. Parameters and columns count from 1 and 0, as SQLite's do.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& bind(int parameter, std::int64_t value);
  // Kept as the signed number with the same bits: equality works, order above 2^63 does not.
  Statement& bind(int parameter, std::uint64_t value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::string_view bytes);
  // The same without a copy: `bytes` must stay until the next step() or run() has returned.
  Statement& bind_blob_in_place(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);

  // True: a row is there to read. False: done, and the statement is reset and its bindings cleared,
  // as it also is after an error.
  Result<bool> step();
  // Steps to the end, ignoring rows.
  Status run();
  // For a statement left before its end; an open read holds a snapshot and blocks checkpoints.
  void reset();

  // Of the row of the last step(); the views end with the next call on this statement.
  std::int64_t int64(int column) const;
  std::uint64_t uint64(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* statement, std::string path);
  void remember(int code);

  sqlite3_stmt* statement_ = nullptr;
  std::string path_;
  std::optional<Error> bind_error_;
};

class Database {
 public:
  // Errors: those of the table above; data_loss for a file that is not a database.
  static Result<Database> open(const std::string& path, const OpenOptions& options);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;
  ~Database() = default;

  // WAL and synchronous=FULL; what open() does by default. The first access to the file's content,
  // so damaged() is meaningful after its failure.
  Status use_wal();
  // One or several statements without parameters; rows are ignored.
  Status execute(const std::string& sql);
  // Kept and used again; made for SQL text of our own, never for text from outside.
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row; not_found where there is no row.
  Result<std::int64_t> query_int(std::string_view sql);

  Result<std::int64_t> user_version();
  Status set_user_version(std::int64_t version);
  // PRAGMA quick_check: data_loss says what is wrong.
  Status check();
  // Rows changed by the last statement.
  std::int64_t changes() const;
  // The last failure was CORRUPT or NOTADB: the content is damaged, not only the disk unwilling.
  bool damaged() const;
  // Copies committed pages into the file and empties the WAL as far as readers allow.
  Status checkpoint();
  // The whole content as of now in a new file that is durable on return; other connections may go
  // on. Errors: also already_exists. A file that was begun and not finished is removed.
  Status copy_into(const std::string& path);
  const std::string& path() const { return path_; }

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  Database(sqlite3* database, std::string path);
  bool in_transaction() const;

  std::unique_ptr<sqlite3, Close> database_;
  std::string path_;
};

// BEGIN IMMEDIATE … COMMIT; rolled back unless committed. The database must outlive it.
class Transaction {
 public:
  // Errors: unavailable when another process holds the lock longer than the busy timeout.
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // Durable when it returns without an error; after one, nothing was changed.
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

// A read transaction: what is read inside is one snapshot. Ends with the object.
class Snapshot {
 public:
  static Result<Snapshot> begin(Database& database);
  Snapshot(Snapshot&& other) noexcept;
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot();

 private:
  explicit Snapshot(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace tocsin::sqlite
