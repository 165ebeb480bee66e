#include "collector/store/state_schema.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "collector/store/state_rules.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::int64_t kApplication =
    0x54535331;  // "TSS1": tells a state file from other databases

// Columns beside a document are only those that queries need. `closed` is NULL while open.
constexpr std::string_view kSchema1 =
    "CREATE TABLE progress(id INTEGER PRIMARY KEY CHECK(id = 1), cursor INTEGER NOT NULL,"
    " judged_at INTEGER NOT NULL);"
    "INSERT INTO progress VALUES(1, 0, 0);"
    "CREATE TABLE value(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE host(agent TEXT PRIMARY KEY, name TEXT NOT NULL, document BLOB NOT NULL);"
    "CREATE TABLE finding(id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, closed INTEGER,"
    " document BLOB NOT NULL);"
    "CREATE INDEX finding_incident ON finding(incident);"
    "CREATE INDEX finding_closed ON finding(closed);"
    "CREATE TABLE incident(id INTEGER PRIMARY KEY, number TEXT NOT NULL, closed INTEGER,"
    " acknowledged INTEGER, severity INTEGER NOT NULL, document BLOB NOT NULL);"
    "CREATE INDEX incident_number ON incident(number) WHERE number <> '';"
    "CREATE INDEX incident_open ON incident(id) WHERE closed IS NULL;"
    "CREATE TABLE timeline(incident INTEGER NOT NULL, item INTEGER NOT NULL,"
    " document BLOB NOT NULL, PRIMARY KEY(incident, item)) WITHOUT ROWID;"
    "CREATE TABLE notification(id INTEGER PRIMARY KEY, incident INTEGER NOT NULL,"
    " pending INTEGER NOT NULL, due INTEGER NOT NULL, channel TEXT NOT NULL,"
    " outcome_at INTEGER NOT NULL, document BLOB NOT NULL);"
    "CREATE INDEX notification_incident ON notification(incident);"
    "CREATE INDEX notification_pending ON notification(due, id) WHERE pending = 1;"
    "CREATE INDEX notification_outcome ON notification(channel, outcome_at, id)"
    " WHERE outcome_at > 0;"
    "CREATE TABLE timer(key TEXT PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE command_result(id TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;";

// Answers to commands that are there are kept for the whole time from now on.
constexpr std::string_view kSchema2 =
    "CREATE TABLE evidence(id INTEGER PRIMARY KEY, incident INTEGER NOT NULL,"
    " request TEXT NOT NULL, document BLOB NOT NULL);"
    "CREATE INDEX evidence_incident ON evidence(incident);"
    "CREATE INDEX evidence_request ON evidence(request);"
    "CREATE TABLE learned(agent TEXT PRIMARY KEY, document BLOB NOT NULL);"
    "CREATE TABLE baseline(id INTEGER PRIMARY KEY, scope TEXT NOT NULL,"
    " version INTEGER NOT NULL, live INTEGER NOT NULL, document BLOB NOT NULL);"
    "CREATE INDEX baseline_scope ON baseline(scope, version);"
    "CREATE INDEX baseline_live ON baseline(id) WHERE live = 1;"
    "ALTER TABLE command_result ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;"
    "UPDATE command_result SET decided = (SELECT judged_at FROM progress);"
    "CREATE INDEX command_result_decided ON command_result(decided);";

// A host's large checks in rows of their own; until the host is written the next time its document
// holds them, as it did before.
constexpr std::string_view kSchema3 =
    "CREATE TABLE host_check(agent TEXT NOT NULL, kind INTEGER NOT NULL, target TEXT NOT NULL,"
    " document BLOB NOT NULL, PRIMARY KEY(agent, kind, target));";

// Whose a collection is and how much of it is here, so that an agent's share is asked for and not
// added up from everybody's documents.
constexpr std::string_view kSchema4 =
    "ALTER TABLE evidence ADD COLUMN agent TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE evidence ADD COLUMN bytes_here INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX evidence_agent ON evidence(agent, bytes_here);";

// Of the rows that are there already.
Status fill_schema4(sqlite::Database& database) {
  Result<sqlite::Statement> query = database.prepare("SELECT document FROM evidence ORDER BY id");
  if (!query) return fail(query.error());
  const auto rows = read_documents(*query, wire::decode_evidence);
  if (!rows) return fail(rows.error());
  Result<sqlite::Statement> fill =
      database.prepare("UPDATE evidence SET agent = ?, bytes_here = ? WHERE id = ?");
  if (!fill) return fail(fill.error());
  for (const model::Evidence& row : *rows) {
    fill->bind(1, std::string_view(row.agent.hex)).bind(2, bytes_here(row)).bind(3, row.id.value);
    TOCSIN_TRY(fill->run());
  }
  return {};
}

// What each schema adds to the one before. A new file gets all; only ever appended to.
struct Schema {
  std::string_view sql;
  Status (*fill)(sqlite::Database&) = nullptr;  // what new columns say of old rows
};
constexpr std::array kSchemas{Schema{kSchema1}, Schema{kSchema2}, Schema{kSchema3},
                              Schema{kSchema4, fill_schema4}};
constexpr std::int64_t kSchema = kSchemas.size();

Status raise_schema(sqlite::Database& database, std::int64_t from) {
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(database);
  if (!transaction) return fail(transaction.error());
  for (std::int64_t next = from; next < kSchema; ++next) {
    const Schema& schema = kSchemas[static_cast<std::size_t>(next)];
    TOCSIN_TRY(database.execute(std::string(schema.sql)));
    if (schema.fill != nullptr) TOCSIN_TRY(schema.fill(database));
  }
  TOCSIN_TRY(database.execute(fmt::format("PRAGMA application_id={}", kApplication)));
  TOCSIN_TRY(database.set_user_version(kSchema));
  return transaction->commit();
}

// The file as it is, for whoever goes back to the version before. One from an earlier try that was
// not finished is made anew.
Status keep_as_it_is(sqlite::Database& database, std::int64_t schema) {
  const std::string kept = fmt::format("{}.schema-{}", database.path(), schema);
  const std::string fresh = kept + ".new";
  std::error_code error;
  std::filesystem::remove(fresh, error);
  TOCSIN_TRY(database.copy_into(fresh));
  std::filesystem::rename(fresh, kept, error);
  if (error) return fail(system_error(kept, error.value()));
  return {};
}

// Is this a state file that we can read? 0: it holds nothing at all yet.
Result<std::int64_t> schema_of(sqlite::Database& database) {
  const Result<std::int64_t> objects = database.query_int("SELECT count(*) FROM sqlite_schema");
  if (!objects) return fail(objects.error());
  const Result<std::int64_t> application = database.query_int("PRAGMA application_id");
  if (!application) return fail(application.error());
  const Result<std::int64_t> schema = database.user_version();
  if (!schema) return fail(schema.error());
  if (*objects == 0 && *application == 0 && *schema == 0) return 0;
  if (*application != kApplication) {
    return fail(ErrorCode::data_loss,
                fmt::format("open {}: not a state file of the collector", database.path()));
  }
  if (*schema > kSchema) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("open {}: written by a newer version (schema {}, this one knows {})",
                            database.path(), *schema, kSchema));
  }
  return *schema;
}

Result<sqlite::Database> open_existing(const SqliteStateOptions& options) {
  sqlite::OpenOptions how;
  how.vfs = options.vfs;
  how.create = false;
  how.wal = false;  // The store made it so; who reads changes nothing.
  Result<sqlite::Database> database = sqlite::Database::open(options.path, how);
  if (!database) return fail(database.error());
  const Result<std::int64_t> schema = schema_of(*database);
  if (!schema) return fail(schema.error());
  if (*schema == 0) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("open {}: holds no state yet", options.path));
  }
  return database;
}

}  // namespace

Result<sqlite::Database> open_state_for_writing(const SqliteStateOptions& options) {
  sqlite::OpenOptions how;
  how.vfs = options.vfs;
  Result<sqlite::Database> database = sqlite::Database::open(options.path, how);
  if (!database) return fail(database.error());
  const Result<std::int64_t> schema = schema_of(*database);
  if (!schema) return fail(schema.error());
  if (*schema > 0) TOCSIN_TRY(database->check());
  if (*schema == kSchema) return database;
  if (*schema > 0) TOCSIN_TRY(keep_as_it_is(*database, *schema));
  TOCSIN_TRY(raise_schema(*database, *schema));
  return database;
}

Status copy_state(const SqliteStateOptions& from, const std::string& to) {
  Result<sqlite::Database> database = open_existing(from);
  if (!database) return fail(database.error());
  return database->copy_into(to);
}

Result<std::vector<model::Host>> read_hosts(sqlite::Statement& query) {
  std::vector<model::Host> hosts;
  const auto damaged = [&](const Error& error) {
    query.reset();
    return fail(ErrorCode::data_loss, "read state: " + error.message);
  };
  for (;;) {
    const Result<bool> row = query.step();
    if (!row) return fail(row.error());
    if (!*row) return hosts;
    if (hosts.empty() || hosts.back().agent.hex != query.text(0)) {
      Result<model::Host> host = wire::decode_host(query.blob(1));
      if (!host) return damaged(host.error());
      hosts.push_back(*std::move(host));
    }
    if (query.is_null(2)) continue;
    Result<model::CheckStatus> check = wire::decode_check_status(query.blob(2));
    if (!check) return damaged(check.error());
    std::vector<model::CheckStatus>& checks = hosts.back().checks;
    const auto place = std::find_if(checks.begin(), checks.end(),
                                    [&](const auto& other) { return check->check < other.check; });
    checks.insert(place, *std::move(check));
  }
}

Result<sqlite::Database> open_state_for_reading(const SqliteStateOptions& options) {
  Result<sqlite::Database> database = open_existing(options);
  if (database) TOCSIN_TRY(database->execute("PRAGMA query_only=1"));
  return database;
}

}  // namespace tocsin::collector
