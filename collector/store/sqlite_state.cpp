#include "collector/store/sqlite_state.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "collector/store/state_rules.hpp"
#include "collector/store/state_schema.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

// The statements of a commit, prepared once.
struct Writes {
  sqlite::Statement progress;
  sqlite::Statement host;
  sqlite::Statement check;
  sqlite::Statement check_gone;
  sqlite::Statement checks_gone;
  sqlite::Statement finding;
  sqlite::Statement incident;
  sqlite::Statement timeline;
  sqlite::Statement notification;
  sqlite::Statement evidence;
  sqlite::Statement timer_set;
  sqlite::Statement timer_cleared;
  sqlite::Statement command_result;
  sqlite::Statement value;
  sqlite::Statement learned;
  sqlite::Statement baseline;

  static Result<Writes> prepare(sqlite::Database& database);
};

Result<Writes> Writes::prepare(sqlite::Database& database) {
  std::optional<Error> failure;
  const auto statement = [&](std::string_view sql) -> std::optional<sqlite::Statement> {
    Result<sqlite::Statement> prepared = database.prepare(sql);
    if (prepared) return std::move(*prepared);
    if (!failure) failure = prepared.error();
    return std::nullopt;
  };
  auto progress = statement("UPDATE progress SET cursor=?, judged_at=? WHERE id=1");
  auto host = statement("INSERT OR REPLACE INTO host(agent, name, document) VALUES(?, ?, ?)");
  auto check = statement(
      "INSERT OR REPLACE INTO host_check(agent, kind, target, document) VALUES(?, ?, ?, ?)");
  auto check_gone = statement("DELETE FROM host_check WHERE agent=? AND kind=? AND target=?");
  auto checks_gone = statement("DELETE FROM host_check WHERE agent=?");
  auto finding = statement(
      "INSERT OR REPLACE INTO finding(id, incident, closed, document) VALUES(?, ?, ?, ?)");
  auto incident = statement(
      "INSERT OR REPLACE INTO incident(id, number, closed, acknowledged, severity, document)"
      " VALUES(?, ?, ?, ?, ?, ?)");
  auto timeline = statement("INSERT INTO timeline(incident, item, document) VALUES(?, ?, ?)");
  auto notification = statement(
      "INSERT OR REPLACE INTO notification(id, incident, pending, due, channel, outcome_at,"
      " document) VALUES(?, ?, ?, ?, ?, ?, ?)");
  auto evidence = statement(
      "INSERT OR REPLACE INTO evidence(id, incident, request, agent, bytes_here, document)"
      " VALUES(?, ?, ?, ?, ?, ?)");
  auto timer_set = statement("INSERT OR REPLACE INTO timer(key, due) VALUES(?, ?)");
  auto timer_cleared = statement("DELETE FROM timer WHERE key=?");
  auto command_result =
      statement("INSERT OR IGNORE INTO command_result(id, decided, document) VALUES(?, ?, ?)");
  auto value = statement("INSERT OR REPLACE INTO value(key, value) VALUES(?, ?)");
  auto learned = statement("INSERT OR REPLACE INTO learned(agent, document) VALUES(?, ?)");
  auto baseline = statement(
      "INSERT OR REPLACE INTO baseline(id, scope, version, live, document) VALUES(?, ?, ?, ?, ?)");
  if (failure) return fail(std::move(*failure));
  return Writes{std::move(*progress),       std::move(*host),        std::move(*check),
                std::move(*check_gone),     std::move(*checks_gone), std::move(*finding),
                std::move(*incident),       std::move(*timeline),    std::move(*notification),
                std::move(*evidence),       std::move(*timer_set),   std::move(*timer_cleared),
                std::move(*command_result), std::move(*value),       std::move(*learned),
                std::move(*baseline)};
}

// A check whose document is larger has a row of its own, which is written when that check changes:
// one that shows many sockets may have hundreds of kilobytes, and most facts are about another. The
// small ones stay in their host's document: a row of its own for each would cost more.
constexpr std::size_t kInHost = 2048;

// What was written last of the checks that have rows, without their observations: the observation
// is that of the position.
using CheckRows = std::map<model::CheckRef, model::CheckStatus>;

model::CheckStatus without_observation(const model::CheckStatus& status) {
  return {status.check,
          status.verdict,
          status.reasons,
          status.since,
          status.observed,
          status.position,
          {}};
}

bool is_written(const model::CheckStatus& row, const model::CheckStatus& now) {
  return row.position == now.position && row.verdict == now.verdict && row.since == now.since &&
         row.observed == now.observed && row.reasons == now.reasons;
}

class SqliteStateStore final : public StateStore {
 public:
  SqliteStateStore(sqlite::Database database, Writes writes, sqlite::Statement result)
      : database_(std::move(database)), writes_(std::move(writes)), result_(std::move(result)) {}

  // Reads the cursor, so that commit() can refuse to go back.
  Status start() {
    const Result<std::int64_t> cursor = database_.query_int("SELECT cursor FROM progress");
    if (!cursor) return fail(cursor.error());
    cursor_ = Position{static_cast<std::uint64_t>(*cursor)};
    return {};
  }

  Result<StateSnapshot> load() override {
    const Result<sqlite::Snapshot> transaction = sqlite::Snapshot::begin(database_);
    if (!transaction) return fail(transaction.error());
    StateSnapshot snapshot;
    TOCSIN_TRY(load_progress(snapshot));
    const Instant kept_from = snapshot.judged_at - kClosedFindingsKept;
    TOCSIN_TRY(load_hosts(snapshot));
    TOCSIN_TRY(load_documents(
        fmt::format("SELECT document FROM finding WHERE closed IS NULL OR closed >= {} ORDER BY id",
                    kept_from.ns),
        wire::decode_finding, snapshot.findings));
    TOCSIN_TRY(load_documents("SELECT document FROM incident WHERE closed IS NULL ORDER BY id",
                              wire::decode_incident, snapshot.incidents));
    TOCSIN_TRY(load_documents("SELECT document FROM notification WHERE pending = 1 ORDER BY id",
                              wire::decode_notification, snapshot.notifications));
    TOCSIN_TRY(load_documents("SELECT document FROM evidence ORDER BY id", wire::decode_evidence,
                              snapshot.evidence));
    TOCSIN_TRY(load_documents("SELECT document FROM learned ORDER BY agent", wire::decode_learning,
                              snapshot.learned));
    TOCSIN_TRY(load_documents("SELECT document FROM baseline WHERE live = 1 ORDER BY id",
                              wire::decode_baseline, snapshot.baselines));
    TOCSIN_TRY(load_timers(snapshot));
    TOCSIN_TRY(load_values(snapshot));
    return snapshot;
  }

  Status commit(const StateDelta& delta) override {
    if (delta.cursor < cursor_) return cursor_went_back(cursor_, delta.cursor);
    Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(database_);
    Status written = transaction ? write(delta) : fail(transaction.error());
    if (written) written = transaction->commit();
    // Asked before the rollback forgets it. Any other I/O error changed nothing and may pass.
    if (!written && written.error().code == ErrorCode::data_loss && !database_.damaged()) {
      written.error().code = ErrorCode::resource_exhausted;
    }
    if (written) {
      cursor_ = delta.cursor;
    } else {
      check_rows_.clear();
    }
    return written;
  }

  Result<std::optional<model::CommandResult>> command_result(std::string_view id) override {
    result_.bind(1, id);
    return read_document(result_, wire::decode_command_result);
  }

 private:
  template <class T>
  Status load_documents(const std::string& sql, Result<T> (*decode)(std::string_view),
                        std::vector<T>& to) {
    Result<sqlite::Statement> query = database_.prepare(sql);
    if (!query) return fail(query.error());
    Result<std::vector<T>> documents = read_documents(*query, decode);
    if (!documents) return fail(documents.error());
    to = std::move(*documents);
    return {};
  }

  Status load_progress(StateSnapshot& snapshot) {
    Result<sqlite::Statement> query = database_.prepare("SELECT cursor, judged_at FROM progress");
    if (!query) return fail(query.error());
    const Result<bool> row = query->step();
    if (!row) return fail(row.error());
    if (!*row) return fail(ErrorCode::data_loss, "read state: the cursor is missing");
    snapshot.cursor = Position{query->uint64(0)};
    snapshot.judged_at = Instant{query->int64(1)};
    return {};
  }

  Status load_hosts(StateSnapshot& snapshot) {
    Result<sqlite::Statement> query =
        database_.prepare(fmt::format("{} ORDER BY host.agent", kSelectHosts));
    if (!query) return fail(query.error());
    auto hosts = read_hosts(*query);
    if (!hosts) return fail(hosts.error());
    snapshot.hosts = *std::move(hosts);
    return {};
  }

  Status load_timers(StateSnapshot& snapshot) {
    Result<sqlite::Statement> query = database_.prepare("SELECT key, due FROM timer ORDER BY key");
    if (!query) return fail(query.error());
    for (;;) {
      const Result<bool> row = query->step();
      if (!row) return fail(row.error());
      if (!*row) return {};
      snapshot.timers.push_back({std::string(query->text(0)), Instant{query->int64(1)}});
    }
  }

  Status load_values(StateSnapshot& snapshot) {
    Result<sqlite::Statement> query = database_.prepare("SELECT key, value FROM value");
    if (!query) return fail(query.error());
    for (;;) {
      const Result<bool> row = query->step();
      if (!row) return fail(row.error());
      if (!*row) return {};
      snapshot.values[std::string(query->text(0))] = std::string(query->blob(1));
    }
  }

  Status write(const StateDelta& delta) {
    if (delta.keep_answers) TOCSIN_TRY(forget_answers(*delta.keep_answers));
    TOCSIN_TRY(write_documents(delta));
    for (const std::string& key : delta.timers_cleared) {
      TOCSIN_TRY(writes_.timer_cleared.bind(1, std::string_view(key)).run());
    }
    for (const model::Timer& timer : delta.timers_set) {
      TOCSIN_TRY(
          writes_.timer_set.bind(1, std::string_view(timer.key)).bind(2, timer.due.ns).run());
    }
    for (const auto& [key, value] : delta.values) {
      TOCSIN_TRY(writes_.value.bind(1, std::string_view(key)).bind_blob_in_place(2, value).run());
    }
    if (delta.forget_before) TOCSIN_TRY(forget(*delta.forget_before));
    return writes_.progress.bind(1, delta.cursor.value).bind(2, delta.judged_at.ns).run();
  }

  Status forget_answers(const StateDelta::KeptAnswers& kept) {
    Result<sqlite::Statement> old =
        database_.prepare("DELETE FROM command_result WHERE decided < ?");
    if (!old) return fail(old.error());
    TOCSIN_TRY(old->bind(1, kept.since.ns).run());
    Result<sqlite::Statement> too_many = database_.prepare(
        "DELETE FROM command_result WHERE id IN (SELECT id FROM command_result"
        " ORDER BY decided DESC, id DESC LIMIT -1 OFFSET ?)");
    if (!too_many) return fail(too_many.error());
    return too_many->bind(1, static_cast<std::int64_t>(kept.most)).run();
  }

  // Once an hour at most: prepared here and not kept.
  Status forget(Instant before) {
    Result<sqlite::Statement> closed = database_.prepare(
        "SELECT id FROM incident WHERE closed IS NOT NULL AND closed < ? ORDER BY id LIMIT ?");
    if (!closed) return fail(closed.error());
    constexpr std::int64_t kMost{kForgottenAtOnce};
    closed->bind(1, before.ns).bind(2, kMost);
    std::vector<std::uint64_t> ids;
    for (;;) {
      const Result<bool> row = closed->step();
      if (!row) return fail(row.error());
      if (!*row) break;
      ids.push_back(closed->uint64(0));
    }
    for (const char* sql :
         {"DELETE FROM timeline WHERE incident = ?", "DELETE FROM notification WHERE incident = ?",
          "DELETE FROM incident WHERE id = ?"}) {
      Result<sqlite::Statement> gone = database_.prepare(sql);
      if (!gone) return fail(gone.error());
      for (const std::uint64_t id : ids) TOCSIN_TRY(gone->bind(1, id).run());
    }
    Result<sqlite::Statement> findings = database_.prepare(
        "DELETE FROM finding WHERE id IN (SELECT id FROM finding AS f WHERE f.closed IS NOT NULL"
        " AND f.closed < ?1 AND NOT EXISTS (SELECT 1 FROM incident WHERE id = f.incident)"
        " ORDER BY f.id LIMIT ?2)");
    if (!findings) return fail(findings.error());
    return findings->bind(1, before.ns).bind(2, kMost).run();
  }

  Status write_documents(const StateDelta& delta) {
    for (const model::Host& host : delta.hosts) TOCSIN_TRY(write(host));
    for (const model::Finding& finding : delta.findings) TOCSIN_TRY(write(finding));
    for (const model::Incident& incident : delta.incidents) TOCSIN_TRY(write(incident));
    for (const model::TimelineItem& item : delta.timeline) TOCSIN_TRY(write(item));
    for (const model::Notification& row : delta.notifications) TOCSIN_TRY(write(row, delta.cursor));
    for (const model::Evidence& evidence : delta.evidence) TOCSIN_TRY(write(evidence));
    for (const model::CommandResult& result : delta.command_results) {
      TOCSIN_TRY(writes_.command_result.bind(1, std::string_view(result.command_id))
                     .bind(2, result.decided.ns)
                     .bind_blob(3, wire::encode_command_result(result))
                     .run());
    }
    for (const model::HostLearning& learned : delta.learned) {
      TOCSIN_TRY(writes_.learned.bind(1, std::string_view(learned.agent.hex))
                     .bind_blob(2, wire::encode_learning(learned))
                     .run());
    }
    for (const model::BaselineRecord& record : delta.baselines) TOCSIN_TRY(write(record));
    return {};
  }

  Status write(const model::BaselineRecord& record) {
    const std::string scope = model::to_string(record.scope);
    return writes_.baseline.bind(1, record.id.value)
        .bind(2, std::string_view(scope))
        .bind(3, std::int64_t{record.version})
        .bind(4, std::int64_t{is_live(record)})
        .bind_blob(5, wire::encode_baseline(record))
        .run();
  }

  Status write(const model::Host& host) {
    std::string document = wire::encode_host_alone(host);
    TOCSIN_TRY(write_checks(host, document));
    return writes_.host.bind(1, std::string_view(host.agent.hex))
        .bind(2, std::string_view(host.name))
        .bind_blob_in_place(3, document)
        .run();
  }

  // The small ones into `document`, of the large ones those that changed.
  Status write_checks(const model::Host& host, std::string& document) {
    const auto [rows, is_unknown] = check_rows_.try_emplace(host.agent);
    if (is_unknown) {
      TOCSIN_TRY(writes_.checks_gone.bind(1, std::string_view(host.agent.hex)).run());
    }
    CheckRows before = std::exchange(rows->second, {});
    for (const model::CheckStatus& status : host.checks) {
      const auto known = before.find(status.check);
      if (known != before.end() && is_written(known->second, status)) {
        rows->second.insert(before.extract(known));
        continue;
      }
      const std::string bytes = wire::encode_check_status(status);
      if (bytes.size() <= kInHost) {
        wire::append_check(document, bytes);
        continue;
      }
      TOCSIN_TRY(check_key(writes_.check, host, status.check).bind_blob_in_place(4, bytes).run());
      rows->second.emplace(status.check, without_observation(status));
      before.erase(status.check);
    }
    for (const auto& [gone, status] : before) {
      TOCSIN_TRY(check_key(writes_.check_gone, host, gone).run());
    }
    return {};
  }

  static sqlite::Statement& check_key(sqlite::Statement& statement, const model::Host& host,
                                      const model::CheckRef& check) {
    return statement.bind(1, std::string_view(host.agent.hex))
        .bind(2, static_cast<std::int64_t>(check.kind))
        .bind(3, std::string_view(check.target));
  }

  Status write(const model::Finding& finding) {
    sqlite::Statement& row = writes_.finding;
    row.bind(1, finding.id.value).bind(2, finding.incident.value);
    bind_optional(row, 3, finding.closed);
    return row.bind_blob(4, wire::encode_finding(finding)).run();
  }

  Status write(const model::Incident& incident) {
    sqlite::Statement& row = writes_.incident;
    row.bind(1, incident.id.value).bind(2, std::string_view(incident.number));
    bind_optional(row, 3, incident.closed);
    bind_optional(row, 4, incident.acknowledged);
    return row.bind(5, static_cast<std::int64_t>(listed_severity(incident)))
        .bind_blob(6, wire::encode_incident(incident))
        .run();
  }

  Status write(const model::TimelineItem& item) {
    const Status added = writes_.timeline.bind(1, item.incident.value)
                             .bind(2, std::int64_t{item.index})
                             .bind_blob(3, wire::encode_timeline(item))
                             .run();
    if (!added && added.error().code == ErrorCode::already_exists)
      return timeline_item_exists(item);
    return added;
  }

  Status write(const model::Evidence& evidence) {
    return writes_.evidence.bind(1, evidence.id.value)
        .bind(2, evidence.incident.value)
        .bind(3, std::string_view(evidence.request_id))
        .bind(4, std::string_view(evidence.agent.hex))
        .bind(5, bytes_here(evidence))
        .bind_blob(6, wire::encode_evidence(evidence))
        .run();
  }

  Status write(const model::Notification& row, Position cursor) {
    return writes_.notification.bind(1, row.id.value)
        .bind(2, row.incident.value)
        .bind(3, std::int64_t{is_pending(row)})
        .bind(4, row.due.ns)
        .bind(5, std::string_view(row.channel))
        .bind(6, has_outcome(row) ? cursor.value : std::uint64_t{0})
        .bind_blob(7, wire::encode_notification(row))
        .run();
  }

  sqlite::Database database_;
  Writes writes_;
  sqlite::Statement result_;
  Position cursor_;
  std::map<AgentId, CheckRows> check_rows_;  // of those hosts that were written since the start
};

}  // namespace

Result<std::unique_ptr<StateStore>> open_state_store(const SqliteStateOptions& options) {
  Result<sqlite::Database> database = open_state_for_writing(options);
  if (!database) return fail(database.error());
  TOCSIN_TRY(database->execute("PRAGMA synchronous=NORMAL"));  // From here on: see the header.
  Result<Writes> writes = Writes::prepare(*database);
  if (!writes) return fail(writes.error());
  Result<sqlite::Statement> result =
      database->prepare("SELECT document FROM command_result WHERE id=?");
  if (!result) return fail(result.error());
  auto store = std::make_unique<SqliteStateStore>(std::move(*database), std::move(*writes),
                                                  std::move(*result));
  TOCSIN_TRY(store->start());
  return store;
}

Status sync_state(const SqliteStateOptions& options) {
  sqlite::OpenOptions open;
  open.create = false;
  open.vfs = options.vfs;
  Result<sqlite::Database> database = sqlite::Database::open(options.path, open);
  if (!database) return fail(database.error());
  // A full one waits for the commit and the queries that go on; it syncs the log before it copies,
  // and the file after it.
  Result<sqlite::Statement> checkpoint = database->prepare("PRAGMA wal_checkpoint(FULL)");
  if (!checkpoint) return fail(checkpoint.error());
  const Result<bool> row = checkpoint->step();
  if (!row) return fail(row.error());
  constexpr int kBusy = 0, kInLog = 1, kCopied = 2;
  if (*row && checkpoint->int64(kBusy) == 0 &&
      checkpoint->int64(kInLog) == checkpoint->int64(kCopied)) {
    return {};
  }
  return fail(ErrorCode::unavailable,
              fmt::format("sync {}: {} of {} pages of its log are copied, others are in use",
                          options.path, checkpoint->int64(kCopied), checkpoint->int64(kInLog)));
}

}  // namespace tocsin::collector
