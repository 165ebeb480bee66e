// What the observer writes: facts with their cursors and check rows in one transaction, or a loss
// that is remembered until it can be told.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/spool/bell.hpp"
#include "agent/spool/sqlite_spool.hpp"
#include "common/base/limits.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kCursorBytes = 64 << 10;
constexpr std::int64_t kCursors = 1024;

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

}  // namespace

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
    refuse(facts, last.error());
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
  if (!facts.empty()) facts_are_in();
  return state->last();
}

Status SqliteSpool::insert_facts(State& state, std::span<const NewFact> facts) {
  if (facts.empty()) return {};
  Result<sqlite::Statement> insert =
      file_.database.prepare("INSERT INTO row(number, wall, fact, chain) VALUES(?, ?, ?, ?)");
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
  if (!lost.refused()) return {};
  state.lost = {};
  if (lost.count == 0) return {};  // It was only late, and is told now.
  model::Fact fact;
  fact.body = model::SpoolLoss{lost.count, lost.from, lost.to, {lost.cause, {}}};
  return insert_row(insert, state, encode(std::move(fact)));
}

Status SqliteSpool::insert_row(sqlite::Statement& insert, State& state, std::string_view fact) {
  const std::int64_t number = state.last_number + 1;
  std::string chain = next_chain(state.last_chain, fact);
  TOCSIN_TRY(insert.bind(1, number)
                 .bind(2, time_->wall().ns)
                 .bind_blob(3, fact)
                 .bind_blob(4, chain)
                 .run());
  state.last_number = number;
  state.last_chain = std::move(chain);
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
    if (check.ended) {
      TOCSIN_TRY(forget_check(check.check));
      continue;
    }
    std::int64_t last = check.told ? state.last_number : 0;
    if (!check.told && check.last_seq) {
      last = state.number_base + static_cast<std::int64_t>(check.last_seq.value);
    }
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

Status SqliteSpool::forget_check(const model::CheckRef& check) {
  for (const char* sql : {"DELETE FROM check_state WHERE kind=? AND target=?",
                          "DELETE FROM resend WHERE kind=? AND target=?"}) {
    Result<sqlite::Statement> remove = file_.database.prepare(sql);
    if (!remove) return fail(remove.error());
    TOCSIN_TRY(remove->bind(1, static_cast<std::int64_t>(check.kind))
                   .bind(2, std::string_view(check.target))
                   .run());
  }
  return {};
}

// A full spool refuses at every run, which is said once.
void SqliteSpool::refuse(std::span<const NewFact> facts, const Error& why) {
  const auto late = static_cast<std::size_t>(
      std::count_if(facts.begin(), facts.end(), [](const NewFact& f) { return f.seen_again; }));
  if (late < facts.size()) lose(facts.size() - late, why);
  if (late == 0) return;
  if (late == facts.size()) remember(0, why);
  if (std::exchange(late_logged_, true)) return;
  log::warning("spool.facts_late", {{"facts", late}, {"why", why.message}});
}

void SqliteSpool::lose(std::size_t facts, const Error& why) {
  const bool saved = remember(facts, why);
  if (std::exchange(loss_logged_, true)) return;
  log::warning(
      "spool.facts_lost",
      {{"facts", facts}, {"why", why.message}, {"remembered", saved ? "on disk" : "in memory"}});
}

// That something was refused, and how many facts with it are lost. False: only in memory so far.
bool SqliteSpool::remember(std::size_t lost, const Error& why) {
  const Instant now = time_->wall();
  const char* cause =
      why.code == ErrorCode::resource_exhausted ? "spool.full" : "spool.write_failed";
  unsaved_loss_.add(Lost{lost, now, now, cause});
  return save_loss().has_value();
}

// And with them what told of a loss.
void SqliteSpool::facts_are_in() {
  unsaved_loss_ = {};
  loss_logged_ = false;
  late_logged_ = false;
  ring(file_.bell_up);
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

}  // namespace tocsin::agent
