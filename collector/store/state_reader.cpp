#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "collector/store/sqlite_state.hpp"
#include "collector/store/state_rules.hpp"
#include "collector/store/state_schema.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

// A row at a time, so that all entries of all rows are never there together.
Result<BaselineSummary> decode_summary(std::string_view document) {
  auto record = wire::decode_baseline(document);
  if (!record) return fail(record.error());
  return summary_of(*std::move(record));
}

class SqliteStateReader final : public StateReader {
 public:
  explicit SqliteStateReader(sqlite::Database database) : database_(std::move(database)) {}

  Result<AsOf> as_of() override {
    const std::lock_guard lock(mutex_);
    Result<sqlite::Statement> query = database_.prepare("SELECT cursor, judged_at FROM progress");
    if (!query) return fail(query.error());
    const Result<bool> row = query->step();
    if (!row) return fail(row.error());
    if (!*row) return fail(ErrorCode::data_loss, "read state: the cursor is missing");
    return AsOf{Position{query->uint64(0)}, Instant{query->int64(1)}};
  }

  Result<std::vector<model::Host>> hosts() override {
    return read_hosts_where("", [](sqlite::Statement&) {});
  }

  // What large checks saw is in rows of their own, which are not read.
  Result<std::vector<model::Host>> agents() override {
    auto hosts = all("SELECT document FROM host ORDER BY name, agent", wire::decode_host);
    if (!hosts) return hosts;
    for (model::Host& host : *hosts) host.checks.clear();
    return hosts;
  }

  // The names are not indexed: a host's row begins with them, and only those that match are
  // decoded.
  Result<std::vector<model::Host>> hosts_called(std::string_view reference) override {
    return read_hosts_where("WHERE host.name = ?1 OR host.agent = ?1",
                            [&](sqlite::Statement& query) { query.bind(1, reference); });
  }

  Result<std::optional<model::Host>> host(const AgentId& agent) {
    auto found = read_hosts_where("WHERE host.agent = ?", [&](sqlite::Statement& query) {
      query.bind(1, std::string_view(agent.hex));
    });
    if (!found) return fail(found.error());
    if (found->empty()) return std::nullopt;
    return std::move(found->front());
  }

  Result<std::vector<model::Incident>> incidents(const IncidentQuery& query) override {
    return all(
        "SELECT document FROM incident"
        " WHERE (?1 = 0 OR id < ?1) AND (?2 = 0 OR closed IS NULL)"
        " AND (?3 = 0 OR acknowledged IS NULL) AND severity >= ?4 ORDER BY id DESC LIMIT ?5",
        wire::decode_incident, [&](sqlite::Statement& statement) {
          statement.bind(1, query.before.value)
              .bind(2, std::int64_t{query.open_only})
              .bind(3, std::int64_t{query.unacknowledged_only})
              .bind(4, static_cast<std::int64_t>(query.at_least))
              .bind(5, static_cast<std::int64_t>(page_rows(query)));
        });
  }

  Result<std::optional<model::Incident>> incident(std::string_view reference) override {
    Result<std::optional<model::Incident>> by_number =
        one("SELECT document FROM incident WHERE number = ?1 AND number <> ''",
            wire::decode_incident, [&](sqlite::Statement& query) { query.bind(1, reference); });
    if (!by_number || *by_number) return by_number;
    const std::optional<IncidentId> id = internal_id(reference);
    if (!id) return std::nullopt;
    return one("SELECT document FROM incident WHERE id = ?", wire::decode_incident,
               [&](sqlite::Statement& query) { query.bind(1, id->value); });
  }

  Result<std::vector<model::Finding>> findings(IncidentId incident, std::size_t newest) override {
    return newest_of("SELECT document FROM finding WHERE incident = ? ORDER BY id DESC LIMIT ?",
                     wire::decode_finding, incident, newest);
  }

  Result<std::vector<model::TimelineItem>> timeline(IncidentId incident,
                                                    std::size_t newest) override {
    return newest_of("SELECT document FROM timeline WHERE incident = ? ORDER BY item DESC LIMIT ?",
                     wire::decode_timeline, incident, newest);
  }

  Result<std::vector<model::Notification>> notifications(IncidentId incident,
                                                         std::size_t newest) override {
    return newest_of(
        "SELECT document FROM notification WHERE incident = ? ORDER BY id DESC LIMIT ?",
        wire::decode_notification, incident, newest);
  }

  Result<RowCounts> row_counts(IncidentId incident) override {
    const std::lock_guard lock(mutex_);
    Result<sqlite::Statement> query = database_.prepare(
        "SELECT (SELECT count(*) FROM finding WHERE incident = ?1),"
        " (SELECT count(*) FROM timeline WHERE incident = ?1),"
        " (SELECT count(*) FROM notification WHERE incident = ?1)");
    if (!query) return fail(query.error());
    query->bind(1, incident.value);
    const Result<bool> row = query->step();
    if (!row) return fail(row.error());
    return RowCounts{query->uint64(0), query->uint64(1), query->uint64(2)};
  }

  Result<std::vector<model::Notification>> pending_notifications() override {
    return all("SELECT document FROM notification WHERE pending = 1 ORDER BY due, id",
               wire::decode_notification);
  }

  Result<std::vector<model::Notification>> last_by_channel() override {
    return all(
        "SELECT document FROM notification WHERE id IN ("
        " SELECT (SELECT id FROM notification AS last"
        "         WHERE last.channel = channels.channel AND last.outcome_at > 0"
        "         ORDER BY outcome_at DESC, id DESC LIMIT 1)"
        " FROM (SELECT DISTINCT channel FROM notification WHERE outcome_at > 0) AS channels)"
        " ORDER BY channel",
        wire::decode_notification);
  }

  Result<std::optional<model::CommandResult>> command_result(std::string_view id) override {
    return one("SELECT document FROM command_result WHERE id = ?", wire::decode_command_result,
               [&](sqlite::Statement& query) { query.bind(1, id); });
  }

  Result<std::vector<model::Evidence>> evidence(const EvidenceQuery& query) override {
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    return all(
        "SELECT document FROM evidence WHERE (?1 = 0 OR id = ?1) AND (?2 = 0 OR incident = ?2)"
        " AND (?3 = '' OR request = ?3) ORDER BY id DESC LIMIT ?4",
        wire::decode_evidence, [&](sqlite::Statement& statement) {
          statement.bind(1, query.id.value)
              .bind(2, query.incident.value)
              .bind(3, std::string_view(query.request_id))
              .bind(4, static_cast<std::int64_t>(std::min(query.limit, kMost)));
        });
  }

  Result<std::uint64_t> evidence_bytes(const AgentId& agent) override {
    const std::lock_guard lock(mutex_);
    Result<sqlite::Statement> query =
        database_.prepare("SELECT coalesce(sum(bytes_here), 0) FROM evidence WHERE agent = ?");
    if (!query) return fail(query.error());
    query->bind(1, std::string_view(agent.hex));
    const Result<bool> row = query->step();
    if (!row) return fail(row.error());
    return query->uint64(0);
  }

  Result<std::vector<model::BaselineRecord>> baselines(const BaselineQuery& query) override {
    return baselines_as(wire::decode_baseline, query);
  }

  Result<std::vector<BaselineSummary>> baseline_list(const BaselineQuery& query) override {
    return baselines_as(decode_summary, query);
  }

 private:
  template <class T>
  Result<std::vector<T>> baselines_as(Result<T> (*decode)(std::string_view),
                                      const BaselineQuery& query) {
    const std::string scope = query.scope ? model::to_string(*query.scope) : std::string();
    return all(
        "SELECT document FROM baseline WHERE (?1 = 0 OR id = ?1) AND (?2 = '' OR scope = ?2)"
        " AND (?3 = 0 OR version = ?3) AND (?4 = 0 OR live = 1) ORDER BY id DESC LIMIT ?5",
        decode, [&](sqlite::Statement& statement) {
          statement.bind(1, query.id.value)
              .bind(2, std::string_view(scope))
              .bind(3, std::int64_t{query.version})
              .bind(4, std::int64_t{query.live_only})
              .bind(5, static_cast<std::int64_t>(page_rows(query)));
        });
  }

  template <class Bind>
  Result<std::vector<model::Host>> read_hosts_where(std::string_view condition, Bind bind) {
    const std::lock_guard lock(mutex_);
    Result<sqlite::Statement> query = database_.prepare(
        fmt::format("{} {} ORDER BY host.name, host.agent", kSelectHosts, condition));
    if (!query) return fail(query.error());
    bind(*query);
    return read_hosts(*query);
  }

  static void bind_nothing(sqlite::Statement& /*query*/) {}

  template <class T, class Bind = void (*)(sqlite::Statement&)>
  Result<std::vector<T>> all(std::string_view sql, Result<T> (*decode)(std::string_view),
                             Bind bind = bind_nothing) {
    const std::lock_guard lock(mutex_);
    Result<sqlite::Statement> query = database_.prepare(sql);
    if (!query) return fail(query.error());
    bind(*query);
    return read_documents(*query, decode);
  }

  template <class T>
  Result<std::vector<T>> newest_of(std::string_view sql, Result<T> (*decode)(std::string_view),
                                   IncidentId incident, std::size_t newest) {
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
    auto rows = all(sql, decode, [&](sqlite::Statement& query) {
      query.bind(1, incident.value).bind(2, static_cast<std::int64_t>(std::min(newest, kMost)));
    });
    if (rows) std::reverse(rows->begin(), rows->end());
    return rows;
  }

  template <class T, class Bind>
  Result<std::optional<T>> one(std::string_view sql, Result<T> (*decode)(std::string_view),
                               Bind bind) {
    Result<std::vector<T>> found = all(sql, decode, bind);
    if (!found) return fail(found.error());
    if (found->empty()) return std::nullopt;
    return std::move(found->front());
  }

  std::mutex mutex_;
  sqlite::Database database_;
};

}  // namespace

Result<std::unique_ptr<StateReader>> open_state_reader(const SqliteStateOptions& options) {
  Result<sqlite::Database> database = open_state_for_reading(options);
  if (!database) return fail(database.error());
  return std::make_unique<SqliteStateReader>(std::move(*database));
}

Result<FindHost> open_host_finder(const SqliteStateOptions& options) {
  Result<sqlite::Database> database = open_state_for_reading(options);
  if (!database) return fail(database.error());
  const auto reader = std::make_shared<SqliteStateReader>(std::move(*database));
  return [reader](const AgentId& agent) { return reader->host(agent); };
}

}  // namespace tocsin::collector
