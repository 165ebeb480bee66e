#include "agent/spool/spool.hpp"

#include <fstream>
#include <utility>

#include "agent/spool/sqlite_spool.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kChainBytes = 16;
constexpr Duration kReadAgain = 1min;  // the whole file, to find whether it is damaged

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return clean_text(line, limits::kName);
}

}  // namespace

std::uint64_t random_number() {
  const std::string bytes = crypto::random_bytes(sizeof(std::uint64_t));
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value | 1;  // never 0, which means "none"
}

// Half of a SHA-256: it tells two histories apart, nobody is to be deceived with it.
std::string next_chain(std::string_view before, std::string_view fact) {
  crypto::Sha256 hash;
  hash.update(before);
  hash.update(fact);
  return hash.finish().substr(0, kChainBytes);
}

SqliteSpool::SqliteSpool(SpoolFile file, const SpoolOptions& options)
    : file_(std::move(file)),
      options_(options),
      time_(options.time != nullptr ? options.time : &system_time_),
      boot_id_(read_boot_id()),
      life_(random_number()) {}

Result<sqlite::Transaction> SqliteSpool::begin() {
  TOCSIN_TRY(check_same_file(file_));
  ++transactions_;
  return sqlite::Transaction::begin(file_.database);
}

// A few microseconds, where a question to the tables takes a hundred.
Result<SpoolVersion> SqliteSpool::version() {
  if (!data_version_) {
    Result<sqlite::Statement> prepared = file_.database.prepare("PRAGMA data_version");
    if (!prepared) return fail(prepared.error());
    data_version_ = std::move(*prepared);
  }
  const Result<bool> row = data_version_->step();
  if (!row) return fail(row.error());
  const SpoolVersion version{*row ? data_version_->int64(0) : 0, transactions_};
  data_version_->reset();
  return version;
}

Result<State> SqliteSpool::load() {
  Result<sqlite::Statement> select = file_.database.prepare(
      "SELECT epoch, number_base, last_number, bytes, lost_count, lost_from, lost_to, lost_cause, "
      "first_chain, last_chain FROM state");
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
  state.first_chain = select->blob(8);
  state.last_chain = select->blob(9);
  return state;
}

Status SqliteSpool::store(const State& state) {
  Result<sqlite::Statement> update = file_.database.prepare(
      "UPDATE state SET epoch=?, number_base=?, last_number=?, bytes=?, lost_count=?, lost_from=?, "
      "lost_to=?, lost_cause=?, first_chain=?, last_chain=?");
  if (!update) return fail(update.error());
  return update->bind(1, state.epoch.value)
      .bind(2, state.number_base)
      .bind(3, state.last_number)
      .bind(4, state.bytes)
      .bind(5, state.lost.count)
      .bind(6, state.lost.from.ns)
      .bind(7, state.lost.to.ns)
      .bind(8, std::string_view(state.lost.cause))
      .bind_blob(9, state.first_chain)
      .bind_blob(10, state.last_chain)
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

bool SqliteSpool::must_reopen() {
  if (!check_same_file(file_)) return true;
  if (read_whole_ && time_->steady() - *read_whole_ < kReadAgain) return false;
  const Status sound = file_.database.check();
  const bool damaged = !sound && is_damage(file_.database, sound.error());
  if (!damaged) read_whole_ = time_->steady();  // when it ended: a slow disk makes it long
  return damaged;
}

Result<std::int64_t> SqliteSpool::number(std::string_view sql) {
  return file_.database.query_int(sql);
}

Result<std::unique_ptr<Spool>> Spool::open(const std::string& path, const SpoolOptions& options) {
  Result<SpoolFile> file = open_spool_file(path, options, Epoch{random_number()});
  if (!file) return fail(file.error());
  auto spool = std::make_unique<SqliteSpool>(std::move(*file), options);
  TOCSIN_TRY(spool->tell_of_damage());
  return spool;
}

}  // namespace tocsin::agent
