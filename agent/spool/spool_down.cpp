// What comes down from the collector: requests, the checks that it assigns, and the checks whose
// result it wants again.
#include "agent/spool/bell.hpp"
#include "agent/spool/sqlite_spool.hpp"
#include "common/base/limits.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

constexpr std::int64_t kWaitingRequests = 64;
constexpr std::int64_t kFinishedRequests = 1024;  // remembered, so that a repeated one is ignored

enum RequestState : std::int64_t { waiting = 0, started = 1, expired = 2, finished = 3 };

}  // namespace

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
  TOCSIN_TRY(transaction->commit());
  ring(file_.bell_down);
  return {};
}

Result<net::Fd> SqliteSpool::listen() { return listen_to_bell(file_.database.path(), Bell::down); }

Result<Spool::Taken> SqliteSpool::take_requests(Instant now) {
  // Asked often and almost always for nothing: look without taking the write lock first.
  TOCSIN_TRY(check_same_file(file_));
  const Result<SpoolVersion> current = version();
  if (!current) return fail(current.error());
  if (no_requests_ == *current) return Taken{};
  const Result<std::int64_t> open = number("SELECT count(*) FROM request WHERE state <> 3");
  if (!open) return fail(open.error());
  if (*open == 0) {
    no_requests_ = *current;
    return Taken{};
  }
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
  if (!facts.empty()) facts_are_in();
  return state->last();
}

Result<std::optional<std::string>> SqliteSpool::assigned_checks() {
  const Result<SpoolVersion> current = version();
  if (!current) return fail(current.error());
  if (assignment_seen_ == *current) return assignment_;
  Result<sqlite::Statement> select = file_.database.prepare("SELECT assignment FROM state");
  if (!select) return fail(select.error());
  const Result<bool> row = select->step();
  if (!row) return fail(row.error());
  assignment_.reset();
  if (*row && !select->is_null(0)) assignment_ = std::string(select->blob(0));
  assignment_seen_ = *current;
  return assignment_;
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
  TOCSIN_TRY(transaction->commit());
  ring(file_.bell_down);
  return {};
}

Result<std::string> SqliteSpool::assignment_digest() {
  Result<sqlite::Statement> select = file_.database.prepare("SELECT assignment_digest FROM state");
  if (!select) return fail(select.error());
  const Result<bool> row = select->step();
  if (!row) return fail(row.error());
  return *row ? std::string(select->text(0)) : std::string();
}

Status SqliteSpool::put_resend(const model::CheckRef& check) {
  const Result<std::int64_t> waiting_now = number("SELECT count(*) FROM resend");
  if (!waiting_now) return fail(waiting_now.error());
  if (*waiting_now >= static_cast<std::int64_t>(limits::kChecks)) {
    return fail(ErrorCode::resource_exhausted, "more checks are wanted again than a host may have");
  }
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<sqlite::Statement> insert =
      file_.database.prepare("INSERT OR IGNORE INTO resend(kind, target) VALUES(?, ?)");
  if (!insert) return fail(insert.error());
  TOCSIN_TRY(insert->bind(1, static_cast<std::int64_t>(check.kind))
                 .bind(2, std::string_view(check.target))
                 .run());
  TOCSIN_TRY(transaction->commit());
  ring(file_.bell_down);
  return {};
}

Result<std::vector<model::CheckRef>> SqliteSpool::take_resends() {
  // As with requests: look without taking the write lock first.
  std::vector<model::CheckRef> wanted;
  const Result<SpoolVersion> current = version();
  if (!current) return fail(current.error());
  if (no_resends_ == *current) return wanted;
  const Result<std::int64_t> waiting_now = number("SELECT count(*) FROM resend");
  if (!waiting_now) return fail(waiting_now.error());
  if (*waiting_now == 0) {
    no_resends_ = *current;
    return wanted;
  }
  Result<sqlite::Transaction> transaction = begin();
  if (!transaction) return fail(transaction.error());
  Result<sqlite::Statement> select =
      file_.database.prepare("SELECT kind, target FROM resend ORDER BY kind, target");
  if (!select) return fail(select.error());
  for (;;) {
    const Result<bool> row = select->step();
    if (!row) return fail(row.error());
    if (!*row) break;
    wanted.push_back(
        {static_cast<model::CheckKind>(select->int64(0)), std::string(select->text(1))});
  }
  TOCSIN_TRY(file_.database.execute("DELETE FROM resend"));
  TOCSIN_TRY(transaction->commit());
  return wanted;
}

}  // namespace tocsin::agent
