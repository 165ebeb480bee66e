// What the link takes: rows, until the collector has committed them.
#include <algorithm>

#include <fmt/format.h>

#include "agent/spool/bell.hpp"
#include "agent/spool/sqlite_spool.hpp"
#include "common/base/limits.hpp"

namespace tocsin::agent {

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
  status.full = state->lost.refused() || unsaved_loss_.refused();
  status.first_chain = state->first_chain;
  status.last_chain = state->last_chain;
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
  const Result<SpoolVersion> current = version();
  if (!current) return fail(current.error());
  if (no_rows_ == *current && no_rows_from_ == from) return std::vector<SpoolRow>();
  Result<sqlite::Snapshot> snapshot = sqlite::Snapshot::begin(file_.database);
  if (!snapshot) return fail(snapshot.error());
  const Result<State> state = load();
  if (!state) return fail(state.error());
  Result<sqlite::Statement> select = file_.database.prepare(
      "SELECT number, fact, chain FROM row WHERE number >= ? ORDER BY number LIMIT ?");
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
    rows.push_back(
        {state->seq_of(select->int64(0)), std::string(fact), std::string(select->blob(2))});
  }
  select->reset();
  if (rows.empty() && max_rows > 0) {
    no_rows_ = *current;
    no_rows_from_ = from;
  }
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
  Result<std::string> chain = chain_of(now->state, now->number);
  if (!chain) return fail(chain.error());
  now->state.first_chain = std::move(*chain);
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

Result<std::string> SqliteSpool::chain_of(const State& state, std::int64_t row) {
  if (row == state.last_number) return state.last_chain;
  Result<sqlite::Statement> select =
      file_.database.prepare("SELECT chain FROM row WHERE number = ?");
  if (!select) return fail(select.error());
  const Result<bool> found = select->bind(1, row).step();
  if (!found) return fail(found.error());
  return *found ? std::string(select->blob(0)) : std::string();
}

Result<std::string> SqliteSpool::chain_at(Seq seq) {
  TOCSIN_TRY(check_same_file(file_));
  Result<sqlite::Snapshot> snapshot = sqlite::Snapshot::begin(file_.database);
  if (!snapshot) return fail(snapshot.error());
  const Result<State> state = load();
  if (!state) return fail(state.error());
  if (seq > state->last()) return std::string();
  return chain_of(*state, state->number_base + static_cast<std::int64_t>(seq.value));
}

// The fact that begins the epoch takes the number of the row before the oldest, which is gone.
Result<Epoch> SqliteSpool::begin_new_epoch() {
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<State> state = load();
  if (!state) return fail(state.error());
  const Result<std::int64_t> first =
      number("SELECT coalesce(min(number), (SELECT last_number + 1 FROM state)) FROM row");
  if (!first) return fail(first.error());
  state->number_base = *first - 2;
  state->epoch = Epoch{random_number()};
  TOCSIN_TRY(insert_epoch_begun(*state, *first - 1));
  Result<sqlite::Statement> forget =
      file_.database.prepare("UPDATE check_state SET last_number = 0 WHERE last_number < ?");
  if (!forget) return fail(forget.error());
  TOCSIN_TRY(forget->bind(1, *first).run());
  TOCSIN_TRY(
      file_.database.execute("INSERT OR IGNORE INTO resend SELECT kind, target FROM check_state"));
  TOCSIN_TRY(store(*state));
  TOCSIN_TRY(transaction->commit());
  ring(file_.bell_down);
  return state->epoch;
}

Status SqliteSpool::insert_epoch_begun(State& state, std::int64_t row) {
  model::Fact fact;
  const auto carried = static_cast<std::uint64_t>(state.last_number - row);
  fact.body = model::AgentEvent{{"spool.epoch_begun", {{"carried", std::to_string(carried)}}}};
  const std::string bytes = encode(std::move(fact));
  const std::string chain = next_chain(state.first_chain, bytes);
  Result<sqlite::Statement> insert =
      file_.database.prepare("INSERT INTO row(number, wall, fact, chain) VALUES(?, ?, ?, ?)");
  if (!insert) return fail(insert.error());
  TOCSIN_TRY(
      insert->bind(1, row).bind(2, time_->wall().ns).bind_blob(3, bytes).bind_blob(4, chain).run());
  state.bytes += bytes.size() + kRowOverhead;
  state.first_chain.clear();
  if (carried == 0) state.last_chain = chain;
  return {};
}

}  // namespace tocsin::agent
