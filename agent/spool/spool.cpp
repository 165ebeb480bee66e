#include "agent/spool/spool.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "agent/spool/schema.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

constexpr std::uint64_t kRowOverhead = 32;  // bytes that keeping a row costs beside its fact
constexpr std::size_t kCursorBytes = 64 << 10;
constexpr std::int64_t kCursors = 1024;
constexpr std::int64_t kWaitingRequests = 64;
constexpr std::int64_t kFinishedRequests = 1024;  // remembered, so that a repeated one is ignored

enum RequestState : std::int64_t { waiting = 0, started = 1, expired = 2, finished = 3 };

std::uint64_t random_number() {
  const std::string bytes = crypto::random_bytes(sizeof(std::uint64_t));
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value | 1;  // never 0, which means "none"
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return clean_text(line, limits::kName);
}

// How much of the spool rows of this priority may fill: the rest is kept for what matters more.
std::uint64_t share_of(model::Priority priority, std::uint64_t max_bytes) {
  switch (priority) {
    case model::Priority::low:
      return max_bytes / 10 * 7;
    case model::Priority::normal:
      return max_bytes / 10 * 9;
    case model::Priority::critical:
      return max_bytes;
  }
  return max_bytes;
}

// Facts that were refused and that no SpoolLoss fact has told yet.
struct Lost {
  std::uint64_t count = 0;
  Instant from;
  Instant to;
  std::string cause;  // message code

  void add(const Lost& other) {
    if (other.count == 0) return;
    from = count == 0 ? other.from : std::min(from, other.from);
    to = count == 0 ? other.to : std::max(to, other.to);
    if (count == 0) cause = other.cause;
    count += other.count;
  }
};

// The one row of `state`, as every transaction starts from it: the other process changes it too.
struct State {
  Epoch epoch;
  std::int64_t number_base = 0;
  std::int64_t last_number = 0;
  std::uint64_t bytes = 0;
  Lost lost;

  Seq seq_of(std::int64_t number) const {
    return Seq{number > number_base ? static_cast<std::uint64_t>(number - number_base) : 0};
  }
  Seq last() const { return seq_of(last_number); }
};

class SqliteSpool final : public Spool {
 public:
  SqliteSpool(SpoolFile file, const SpoolOptions& options)
      : file_(std::move(file)),
        options_(options),
        time_(options.time != nullptr ? options.time : &system_time_),
        boot_id_(read_boot_id()),
        life_(random_number()) {}

  Status tell_of_damage();

  Result<Seq> append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                     std::span<const CheckRow> checks) override;
  Result<std::optional<std::string>> cursor(std::string_view key) override;
  Result<std::vector<CheckRow>> checks() override;
  Result<Taken> take_requests(Instant now) override;
  Result<Seq> finish_request(std::string_view request_id, std::span<const NewFact> facts) override;
  Result<std::optional<std::string>> assigned_checks() override;

  Result<SpoolStatus> status() override;
  Result<std::vector<SpoolRow>> read(Seq from, std::size_t max_rows,
                                     std::size_t max_bytes) override;
  Status acknowledge(Epoch epoch, Seq up_to) override;
  Result<Epoch> begin_new_epoch() override;
  Status put_assignment(std::string_view bytes, std::string_view digest) override;
  Result<std::string> assignment_digest() override;
  Status put_request(const model::Request& request, Instant received) override;

 private:
  Result<sqlite::Transaction> begin();
  Result<State> load();
  Status store(const State& state);
  Result<std::int64_t> number(std::string_view sql);

  struct Acknowledged {
    State state;
    std::int64_t number = 0;  // of the last row that may go
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
  };
  Result<Acknowledged> acknowledged(Epoch epoch, Seq up_to);
  Status check_append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                      std::span<const CheckRow> checks) const;
  Result<Seq> try_append(std::span<const NewFact> facts, std::span<const ReaderCursor> cursors,
                         std::span<const CheckRow> checks);
  Status insert_facts(State& state, std::span<const NewFact> facts);
  Status insert_row(sqlite::Statement& insert, State& state, std::string_view fact);
  Status insert_loss(sqlite::Statement& insert, State& state);
  Status save_cursors(std::span<const ReaderCursor> cursors);
  Status save_checks(const State& state, std::span<const CheckRow> checks);
  void remember_loss(std::size_t facts, const Error& error);
  Status save_loss();
  void loss_was_told();
  std::string encode(model::Fact fact) const;

  SpoolFile file_;
  SpoolOptions options_;
  time::SystemTime system_time_;
  const time::TimeSource* time_;
  std::string boot_id_;
  std::uint64_t life_;  // of this object; marks the requests that it started
  Lost unsaved_loss_;   // the part of the loss that the disk did not take either
  bool loss_logged_ = false;
};

Result<sqlite::Transaction> SqliteSpool::begin() {
  TOCSIN_TRY(check_same_file(file_));
  return sqlite::Transaction::begin(file_.database);
}

Result<State> SqliteSpool::load() {
  Result<sqlite::Statement> select = file_.database.prepare(
      "SELECT epoch, number_base, last_number, bytes, lost_count, lost_from, lost_to, lost_cause "
      "FROM state");
  if (!select) return fail(select.error());
  const Result<bool> row = select->step();
  if (!row) return fail(row.error());
  if (!*row)
    return fail(ErrorCode::data_loss, file_.database.path() + ": the state row is missing");
  State state;
  state.epoch = Epoch{select->uint64(0)};
  state.number_base = select->int64(1);
  state.last_number = select->int64(2);
  state.bytes = select->uint64(3);
  state.lost = Lost{select->uint64(4), Instant{select->int64(5)}, Instant{select->int64(6)},
                    std::string(select->text(7))};
  return state;
}

Status SqliteSpool::store(const State& state) {
  Result<sqlite::Statement> update = file_.database.prepare(
      "UPDATE state SET epoch=?, number_base=?, last_number=?, bytes=?, lost_count=?, lost_from=?, "
      "lost_to=?, lost_cause=?");
  if (!update) return fail(update.error());
  return update->bind(1, state.epoch.value)
      .bind(2, state.number_base)
      .bind(3, state.last_number)
      .bind(4, state.bytes)
      .bind(5, state.lost.count)
      .bind(6, state.lost.from.ns)
      .bind(7, state.lost.to.ns)
      .bind(8, std::string_view(state.lost.cause))
      .run();
}

std::string SqliteSpool::encode(model::Fact fact) const {
  fact.boot_id = boot_id_;
  fact.monotonic = time_->steady();
  fact.wall = time_->wall();
  fact.priority = model::Priority::critical;
  return wire::encode_fact(fact);
}

Status SqliteSpool::tell_of_damage() {
  if (file_.set_aside.empty()) return {};
  model::Fact fact;
  const std::string where = clean_text(file_.set_aside, limits::kText);
  fact.body = model::AgentEvent{{"spool.damaged", {{"kept_as", where}}}};
  const NewFact first{encode(std::move(fact)), model::Priority::critical};
  const Result<Seq> seq = append({&first, 1}, {}, {});
  if (!seq) return fail(seq.error());
  return {};
}

// ---- Observer ----

Status SqliteSpool::check_append(std::span<const NewFact> facts,
                                 std::span<const ReaderCursor> cursors,
                                 std::span<const CheckRow> checks) const {
  if (std::ranges::any_of(facts, [](auto& f) { return f.bytes.size() > limits::kFactBytes; })) {
    return fail(ErrorCode::invalid_argument, "a fact is larger than 1 MiB");
  }
  const auto too_long = [](const ReaderCursor& cursor) {
    return cursor.key.size() > limits::kPath || cursor.value.size() > kCursorBytes;
  };
  if (std::ranges::any_of(cursors, too_long)) {
    return fail(ErrorCode::invalid_argument, "a reader's cursor is larger than 64 KiB");
  }
  if (checks.size() > limits::kChecks) {
    return fail(ErrorCode::invalid_argument, "more checks than a host may have");
  }
  return {};
}

Result<Seq> SqliteSpool::append(std::span<const NewFact> facts,
                                std::span<const ReaderCursor> cursors,
                                std::span<const CheckRow> checks) {
  TOCSIN_TRY(check_append(facts, cursors, checks));
  Result<Seq> last = try_append(facts, cursors, checks);
  if (!last && !facts.empty() && last.error().code != ErrorCode::invalid_argument) {
    remember_loss(facts.size(), last.error());
  }
  return last;
}

Result<Seq> SqliteSpool::try_append(std::span<const NewFact> facts,
                                    std::span<const ReaderCursor> cursors,
                                    std::span<const CheckRow> checks) {
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<State> state = load();
  if (!state) return fail(state.error());
  TOCSIN_TRY(insert_facts(*state, facts));
  TOCSIN_TRY(save_cursors(cursors));
  TOCSIN_TRY(save_checks(*state, checks));
  TOCSIN_TRY(store(*state));
  TOCSIN_TRY(transaction->commit());
  if (!facts.empty()) loss_was_told();
  return state->last();
}

Status SqliteSpool::insert_facts(State& state, std::span<const NewFact> facts) {
  if (facts.empty()) return {};
  Result<sqlite::Statement> insert =
      file_.database.prepare("INSERT INTO row(number, wall, fact) VALUES(?, ?, ?)");
  if (!insert) return fail(insert.error());
  TOCSIN_TRY(insert_loss(*insert, state));
  for (const NewFact& fact : facts) {
    TOCSIN_TRY(insert_row(*insert, state, fact.bytes));
    if (state.bytes > share_of(fact.priority, options_.max_bytes)) {
      return fail(
          ErrorCode::resource_exhausted,
          fmt::format("the spool holds {} of at most {} bytes", state.bytes, options_.max_bytes));
    }
  }
  return {};
}

// What could not be kept is told before what can be kept again.
Status SqliteSpool::insert_loss(sqlite::Statement& insert, State& state) {
  Lost lost = state.lost;
  lost.add(unsaved_loss_);
  if (lost.count == 0) return {};
  model::Fact fact;
  fact.body = model::SpoolLoss{lost.count, lost.from, lost.to, {lost.cause, {}}};
  TOCSIN_TRY(insert_row(insert, state, encode(std::move(fact))));
  state.lost = {};
  return {};
}

Status SqliteSpool::insert_row(sqlite::Statement& insert, State& state, std::string_view fact) {
  const std::int64_t number = state.last_number + 1;
  TOCSIN_TRY(insert.bind(1, number).bind(2, time_->wall().ns).bind_blob(3, fact).run());
  state.last_number = number;
  state.bytes += fact.size() + kRowOverhead;
  return {};
}

Status SqliteSpool::save_cursors(std::span<const ReaderCursor> cursors) {
  if (cursors.empty()) return {};
  Result<sqlite::Statement> remove = file_.database.prepare("DELETE FROM cursor WHERE key=?");
  if (!remove) return fail(remove.error());
  Result<sqlite::Statement> put = file_.database.prepare(
      "INSERT INTO cursor VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=?2");
  if (!put) return fail(put.error());
  for (const ReaderCursor& cursor : cursors) {
    if (cursor.value.empty()) {
      TOCSIN_TRY(remove->bind(1, std::string_view(cursor.key)).run());
    } else {
      TOCSIN_TRY(put->bind(1, std::string_view(cursor.key)).bind_blob(2, cursor.value).run());
    }
  }
  const Result<std::int64_t> count = number("SELECT count(*) FROM cursor");
  if (!count) return fail(count.error());
  if (*count > kCursors) return fail(ErrorCode::invalid_argument, "too many readers' cursors");
  return {};
}

Status SqliteSpool::save_checks(const State& state, std::span<const CheckRow> checks) {
  if (checks.empty()) return {};
  Result<sqlite::Statement> put =
      file_.database.prepare("INSERT OR REPLACE INTO check_state VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  if (!put) return fail(put.error());
  for (const CheckRow& check : checks) {
    const std::int64_t last =
        check.last_seq ? state.number_base + static_cast<std::int64_t>(check.last_seq.value) : 0;
    TOCSIN_TRY(put->bind(1, static_cast<std::int64_t>(check.check.kind))
                   .bind(2, std::string_view(check.check.target))
                   .bind(3, check.last_run.ns)
                   .bind(4, check.last_run_monotonic.ns)
                   .bind_blob(5, check.digest)
                   .bind(6, check.unchanged_since_monotonic.ns)
                   .bind(7, std::int64_t{check.interval.count()})
                   .bind(8, last)
                   .run());
  }
  // A check that is no longer configured is the one that has not run for longest.
  Result<sqlite::Statement> trim = file_.database.prepare(
      "DELETE FROM check_state WHERE (kind, target) IN (SELECT kind, target FROM check_state "
      "ORDER BY last_run DESC, kind, target LIMIT -1 OFFSET ?)");
  if (!trim) return fail(trim.error());
  return trim->bind(1, static_cast<std::int64_t>(limits::kChecks)).run();
}

void SqliteSpool::remember_loss(std::size_t facts, const Error& error) {
  const Instant now = time_->wall();
  const char* cause =
      error.code == ErrorCode::resource_exhausted ? "spool.full" : "spool.write_failed";
  unsaved_loss_.add(Lost{facts, now, now, cause});
  const Status saved = save_loss();
  if (std::exchange(loss_logged_, true)) return;  // A full spool refuses at every run.
  log::warning(
      "spool.facts_lost",
      {{"facts", facts}, {"why", error.message}, {"remembered", saved ? "on disk" : "in memory"}});
}

void SqliteSpool::loss_was_told() {
  unsaved_loss_ = {};
  loss_logged_ = false;
}

Status SqliteSpool::save_loss() {
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<State> state = load();
  if (!state) return fail(state.error());
  state->lost.add(unsaved_loss_);
  TOCSIN_TRY(store(*state));
  TOCSIN_TRY(transaction->commit());
  unsaved_loss_ = {};
  return {};
}

Result<std::optional<std::string>> SqliteSpool::cursor(std::string_view key) {
  Result<sqlite::Statement> select = file_.database.prepare("SELECT value FROM cursor WHERE key=?");
  if (!select) return fail(select.error());
  const Result<bool> row = select->bind(1, key).step();
  if (!row) return fail(row.error());
  if (!*row) return std::optional<std::string>{};
  return std::string(select->blob(0));
}

Result<std::vector<CheckRow>> SqliteSpool::checks() {
  const Result<State> state = load();
  if (!state) return fail(state.error());
  Result<sqlite::Statement> select = file_.database.prepare(
      "SELECT kind, target, last_run, last_run_monotonic, digest, unchanged_since_monotonic, "
      "interval, last_number FROM check_state ORDER BY kind, target");
  if (!select) return fail(select.error());
  std::vector<CheckRow> checks;
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return fail(row.error());
    if (!*row) return checks;
    CheckRow& check = checks.emplace_back();
    check.check.kind = static_cast<model::CheckKind>(select->int64(0));
    check.check.target = select->text(1);
    check.last_run = Instant{select->int64(2)};
    check.last_run_monotonic = MonoTime{select->uint64(3)};
    check.digest = select->blob(4);
    check.unchanged_since_monotonic = MonoTime{select->uint64(5)};
    check.interval = Duration(select->int64(6));
    check.last_seq = state->seq_of(select->int64(7));
  }
}

// ---- Requests: from the link, to the observer ----

Status SqliteSpool::put_request(const model::Request& request, Instant received) {
  if (request.request_id.empty() || request.request_id.size() > limits::kName) {
    return fail(ErrorCode::invalid_argument, "a request needs an id of at most 256 bytes");
  }
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  const Result<std::int64_t> waiting_now = number("SELECT count(*) FROM request WHERE state <> 3");
  if (!waiting_now) return fail(waiting_now.error());
  Result<sqlite::Statement> insert = file_.database.prepare(
      "INSERT INTO request(id, state, life, expires, body) VALUES(?, 0, 0, ?, ?) "
      "ON CONFLICT(id) DO NOTHING");
  if (!insert) return fail(insert.error());
  TOCSIN_TRY(insert->bind(1, std::string_view(request.request_id))
                 .bind(2, (received + request.expires_in).ns)
                 .bind_blob(3, wire::encode_request(request))
                 .run());
  if (file_.database.changes() > 0 && *waiting_now >= kWaitingRequests) {
    return fail(ErrorCode::resource_exhausted, "64 requests wait already");
  }
  return transaction->commit();
}

Result<Spool::Taken> SqliteSpool::take_requests(Instant now) {
  // Asked often and almost always for nothing: look without taking the write lock first.
  TOCSIN_TRY(check_same_file(file_));
  const Result<std::int64_t> open = number("SELECT count(*) FROM request WHERE state <> 3");
  if (!open) return fail(open.error());
  if (*open == 0) return Taken{};
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<sqlite::Statement> select = file_.database.prepare(
      "SELECT number, id, state, expires, body FROM request "
      "WHERE state = 0 OR (state IN (1, 2) AND life <> ?) ORDER BY number");
  if (!select) return fail(select.error());
  Result<sqlite::Statement> mark =
      file_.database.prepare("UPDATE request SET state=?, life=? WHERE number=?");
  if (!mark) return fail(mark.error());
  select->bind(1, life_);
  Taken taken;
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return fail(row.error());
    if (!*row) break;
    std::int64_t state = select->int64(2);
    Result<model::Request> request = wire::decode_request(select->blob(4));
    if (!request) return fail(request.error());
    if (state == started) {
      taken.interrupted.emplace_back(select->text(1));
    } else if (state == expired || Instant{select->int64(3)} < now) {
      state = expired;
      taken.expired.push_back(std::move(*request));
    } else {
      state = started;
      taken.fresh.push_back(std::move(*request));
    }
    TOCSIN_TRY(mark->bind(1, state).bind(2, life_).bind(3, select->int64(0)).run());
  }
  TOCSIN_TRY(transaction->commit());
  return taken;
}

Result<Seq> SqliteSpool::finish_request(std::string_view request_id,
                                        std::span<const NewFact> facts) {
  TOCSIN_TRY(check_append(facts, {}, {}));
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<State> state = load();
  if (!state) return fail(state.error());
  Result<sqlite::Statement> finish =
      file_.database.prepare("UPDATE request SET state=3, body=x'' WHERE id=? AND state <> 3");
  if (!finish) return fail(finish.error());
  TOCSIN_TRY(finish->bind(1, request_id).run());
  if (file_.database.changes() == 0) {
    return fail(ErrorCode::not_found, "no such request waits for an answer");
  }
  Result<sqlite::Statement> forget = file_.database.prepare(
      "DELETE FROM request WHERE state = 3 AND number NOT IN "
      "(SELECT number FROM request WHERE state = 3 ORDER BY number DESC LIMIT ?)");
  if (!forget) return fail(forget.error());
  TOCSIN_TRY(forget->bind(1, kFinishedRequests).run());
  TOCSIN_TRY(insert_facts(*state, facts));
  TOCSIN_TRY(store(*state));
  TOCSIN_TRY(transaction->commit());
  if (!facts.empty()) loss_was_told();
  return state->last();
}

Result<std::optional<std::string>> SqliteSpool::assigned_checks() {
  Result<sqlite::Statement> select = file_.database.prepare("SELECT assignment FROM state");
  if (!select) return fail(select.error());
  const Result<bool> row = select->step();
  if (!row) return fail(row.error());
  if (!*row || select->is_null(0)) return std::optional<std::string>{};
  return std::string(select->blob(0));
}

// ---- Link ----

Result<std::int64_t> SqliteSpool::number(std::string_view sql) {
  return file_.database.query_int(sql);
}

Result<SpoolStatus> SqliteSpool::status() {
  TOCSIN_TRY(check_same_file(file_));
  Result<sqlite::Snapshot> snapshot = sqlite::Snapshot::begin(file_.database);
  if (!snapshot) return fail(snapshot.error());
  const Result<State> state = load();
  if (!state) return fail(state.error());
  Result<sqlite::Statement> oldest =
      file_.database.prepare("SELECT number, wall FROM row ORDER BY number LIMIT 1");
  if (!oldest) return fail(oldest.error());
  const Result<bool> row = oldest->step();
  if (!row) return fail(row.error());
  SpoolStatus status;
  status.epoch = state->epoch;
  status.last = state->last();
  status.first = Seq{status.last.value + 1};
  status.bytes = state->bytes;
  status.full = state->lost.count > 0 || unsaved_loss_.count > 0;
  if (*row) {
    status.first = state->seq_of(oldest->int64(0));
    status.oldest = Instant{oldest->int64(1)};
    status.rows = status.last.value - status.first.value + 1;
  }
  oldest->reset();
  return status;
}

Result<std::vector<SpoolRow>> SqliteSpool::read(Seq from, std::size_t max_rows,
                                                std::size_t max_bytes) {
  TOCSIN_TRY(check_same_file(file_));
  Result<sqlite::Snapshot> snapshot = sqlite::Snapshot::begin(file_.database);
  if (!snapshot) return fail(snapshot.error());
  const Result<State> state = load();
  if (!state) return fail(state.error());
  Result<sqlite::Statement> select = file_.database.prepare(
      "SELECT number, fact FROM row WHERE number >= ? ORDER BY number LIMIT ?");
  if (!select) return fail(select.error());
  select->bind(1, state->number_base + static_cast<std::int64_t>(from.value))
      .bind(2, static_cast<std::int64_t>(std::min(max_rows, limits::kBatchFacts)));
  std::vector<SpoolRow> rows;
  std::size_t bytes = 0;
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return fail(row.error());
    if (!*row) break;
    const std::string_view fact = select->blob(1);
    bytes += fact.size();
    if (!rows.empty() && bytes > max_bytes) break;
    rows.push_back({state->seq_of(select->int64(0)), std::string(fact)});
  }
  select->reset();
  return rows;
}

Status SqliteSpool::acknowledge(Epoch epoch, Seq up_to) {
  TOCSIN_TRY(check_same_file(file_));
  // What was acknowledged before needs no write lock, which the observer may hold.
  const Result<Acknowledged> known = acknowledged(epoch, up_to);
  if (!known) return fail(known.error());
  if (known->rows == 0) return {};
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<Acknowledged> now = acknowledged(epoch, up_to);
  if (!now) return fail(now.error());
  Result<sqlite::Statement> remove = file_.database.prepare("DELETE FROM row WHERE number <= ?");
  if (!remove) return fail(remove.error());
  TOCSIN_TRY(remove->bind(1, now->number).run());
  now->state.bytes -= std::min(now->bytes, now->state.bytes);
  TOCSIN_TRY(store(now->state));
  return transaction->commit();
}

Result<SqliteSpool::Acknowledged> SqliteSpool::acknowledged(Epoch epoch, Seq up_to) {
  Result<State> state = load();
  if (!state) return fail(state.error());
  if (epoch != state->epoch) {
    return fail(ErrorCode::failed_precondition, "acknowledges another epoch than the spool's");
  }
  if (up_to > state->last()) {
    return fail(ErrorCode::invalid_argument, fmt::format("acknowledges {}, but the last fact is {}",
                                                         up_to.value, state->last().value));
  }
  Acknowledged found;
  found.number = state->number_base + static_cast<std::int64_t>(up_to.value);
  Result<sqlite::Statement> size = file_.database.prepare(
      "SELECT count(*), coalesce(sum(length(fact)), 0) FROM row WHERE number <= ?");
  if (!size) return fail(size.error());
  const Result<bool> row = size->bind(1, found.number).step();
  if (!row) return fail(row.error());
  found.rows = size->uint64(0);
  found.bytes = size->uint64(0) * kRowOverhead + size->uint64(1);
  found.state = std::move(*state);
  return found;
}

Result<Epoch> SqliteSpool::begin_new_epoch() {
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<State> state = load();
  if (!state) return fail(state.error());
  const Result<std::int64_t> first =
      number("SELECT coalesce(min(number), (SELECT last_number + 1 FROM state)) FROM row");
  if (!first) return fail(first.error());
  state->number_base = *first - 1;
  state->epoch = Epoch{random_number()};
  TOCSIN_TRY(store(*state));
  TOCSIN_TRY(transaction->commit());
  return state->epoch;
}

Status SqliteSpool::put_assignment(std::string_view bytes, std::string_view digest) {
  if (bytes.size() > limits::kPolicyBytes || digest.size() > limits::kName) {
    return fail(ErrorCode::invalid_argument, "the assignment is too large");
  }
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<sqlite::Statement> update =
      file_.database.prepare("UPDATE state SET assignment=?, assignment_digest=?");
  if (!update) return fail(update.error());
  TOCSIN_TRY(update->bind_blob(1, bytes).bind(2, digest).run());
  return transaction->commit();
}

Result<std::string> SqliteSpool::assignment_digest() {
  Result<sqlite::Statement> select = file_.database.prepare("SELECT assignment_digest FROM state");
  if (!select) return fail(select.error());
  const Result<bool> row = select->step();
  if (!row) return fail(row.error());
  return *row ? std::string(select->text(0)) : std::string();
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(const std::string& path, const SpoolOptions& options) {
  Result<SpoolFile> file = open_spool_file(path, options, Epoch{random_number()});
  if (!file) return fail(file.error());
  auto spool = std::make_unique<SqliteSpool>(std::move(*file), options);
  TOCSIN_TRY(spool->tell_of_damage());
  return spool;
}

}  // namespace tocsin::agent
