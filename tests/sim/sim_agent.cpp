#include "tests/sim/sim_agent.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

constexpr std::size_t kAllRows = 1024;
constexpr std::size_t kAllBytes = 64 << 20;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

SimAgent::SimAgent(std::string name, Chance& chance, std::uint64_t spool_bytes)
    : name_(std::move(name)), id_(agent_of(name_)), chance_(chance), spool_bytes_(spool_bytes) {
  open();
}

void SimAgent::open() {
  agent::SpoolOptions options;
  options.max_bytes = spool_bytes_;
  options.vfs = disk_.name();
  options.time = &time;
  auto spool = agent::Spool::open(path(), options);
  if (!spool && disk_.happened()) {  // The planned cut: closing or opening met it.
    disk_.restart();
    disk_.plan_nothing();
    ++power_cuts;
    disturbed = true;
    spool = agent::Spool::open(path(), options);
  }
  TOCSIN_CHECK(spool.has_value());
  spool_ = std::move(*spool);
  ++lives_;
}

void SimAgent::close() {
  disconnect();
  spool_.reset();
}

void SimAgent::restart() {
  close();
  open();
}

void SimAgent::cut_power() {
  disk_.survive(chance_.one_in(2) ? 0 : static_cast<std::uint32_t>(1 + chance_.below(1000)));
  disk_.cut();
  close();
  disk_.restart();
  disk_.plan_nothing();
  ++power_cuts;
  disturbed = true;
  open();
}

void SimAgent::plan_power_cut() { disk_.plan(1 + chance_.below(12), Fault::power_cut); }

void SimAgent::look_at_power() {
  if (disk_.happened()) cut_power();
}

void SimAgent::heal() {
  look_at_power();
  disk_.plan_nothing();
}

void SimAgent::keep_copy() {
  close();
  disk_.cut();
  disk_.restart();
  disk_.plan_nothing();
  copy_.clear();
  for (const auto& file : std::filesystem::directory_iterator(directory_.path())) {
    const std::string name = file.path().filename().string();
    if (!name.ends_with("-shm")) copy_[name] = content_of(file.path());
  }
  open();
}

void SimAgent::restore_copy() {
  if (copy_.empty()) return keep_copy();
  // What was under way from the old life is long gone when the copy is back.
  if (stream_) stream_->up.clear();
  close();
  disk_.cut();
  disk_.restart();
  disk_.plan_nothing();
  for (auto& [name, fact] : offered) fact.may_miss = true;
  for (const auto& file : std::filesystem::directory_iterator(directory_.path())) {
    std::filesystem::remove(file.path());
  }
  for (const auto& [name, content] : copy_) {
    std::ofstream(directory_.file(name), std::ios::binary) << content;
  }
  ++restores;
  disturbed = true;
  open();
  for (const std::string& name : names_in_spool()) {
    if (!name.empty()) ++offered[name].at_most;
  }
}

void SimAgent::purge() {
  const auto status = spool_->status();
  if (!status || status->rows == 0) return;
  const Seq up_to{status->first.value + chance_.below(status->rows)};
  const std::vector<std::string> names = names_in_spool();
  const std::uint64_t count = up_to.value - status->first.value + 1;
  if (names.size() < count) return;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!names[i].empty()) offered[names[i]].may_miss = true;
  }
  disturbed = true;  // A row that tells of a loss may be among them.
  if (spool_->acknowledge(status->epoch, up_to)) ++purges;
}

void SimAgent::was_forgotten(const std::map<std::string, std::uint32_t>& before,
                             const std::map<std::string, std::uint32_t>& now) {
  const std::vector<std::string> held = names_in_spool();
  for (auto& [name, fact] : offered) {
    if (!before.contains(name) || now.contains(name)) continue;
    if (std::find(held.begin(), held.end(), name) == held.end()) fact.may_miss = true;
  }
  disturbed = true;  // What told of a loss may be among them.
}

std::vector<std::string> SimAgent::names_in_spool() {
  std::vector<std::string> names;
  const auto rows = spool_->read(Seq{1}, kAllRows, kAllBytes);
  if (!rows) return names;
  for (const agent::SpoolRow& row : *rows) {
    const auto fact = wire::decode_fact(row.bytes);
    const bool ours = fact && fact->boot_id.starts_with(name_ + "-");
    names.push_back(ours ? fact->boot_id : std::string());
  }
  return names;
}

// ---- Observer ----

model::Observation SimAgent::look() {
  model::Observation seen = chance_.one_in(3)
                                ? service_is("ssh.service", chance_.one_in(2) ? "failed" : "active")
                                : ports_are({listener(22, "/usr/sbin/sshd")});
  if (auto* ports = std::get_if<model::SocketsFacts>(&seen.facts); ports && chance_.one_in(2)) {
    const auto port = static_cast<std::uint16_t>(4440 + chance_.below(3));
    ports->listeners.push_back(listener(port, "/tmp/miner"));
  }
  seen.at = time.wall();
  return seen;
}

std::string SimAgent::next_fact(model::Observation seen) {
  model::Fact fact;
  fact.boot_id = fmt::format("{}-{}", name_, ++facts_);
  fact.monotonic = time.steady();
  fact.wall = time.wall();
  fact.priority = model::Priority::normal;
  fact.body = std::move(seen);
  return wire::encode_fact(fact);
}

// The collector wants these again: the same result in a new fact.
std::vector<model::Observation> SimAgent::wanted_again() {
  std::vector<model::Observation> seen;
  const auto wanted = spool_->take_resends();
  if (!wanted) return seen;
  for (const model::CheckRef& check : *wanted) {
    const auto shown = shown_.find(check);
    if (shown == shown_.end()) continue;
    seen.push_back(shown->second);
    seen.back().at = time.wall();
  }
  return seen;
}

void SimAgent::observe() {
  std::vector<model::Observation> seen = wanted_again();
  for (std::uint64_t i = 0, count = 1 + chance_.below(3); i < count; ++i) seen.push_back(look());
  keep(seen);
}

void SimAgent::observe_wanted() {
  const std::vector<model::Observation> seen = wanted_again();
  if (!seen.empty()) keep(seen);
}

void SimAgent::keep(const std::vector<model::Observation>& seen) {
  std::vector<agent::NewFact> facts;
  std::vector<std::string> names;
  std::map<model::CheckRef, agent::CheckRow> rows;
  for (const model::Observation& one : seen) {
    facts.push_back({next_fact(one), model::Priority::normal});
    names.push_back(fmt::format("{}-{}", name_, facts_));
    agent::CheckRow& row = rows[one.check];
    row.check = one.check;
    row.last_run = one.at;
    row.last_run_monotonic = time.steady();
    row.digest = wire::significant_digest(one);
    row.told = true;
    shown_[one.check] = one;
  }
  std::vector<agent::CheckRow> checks;
  for (const auto& [check, row] : rows) checks.push_back(row);
  const Result<Seq> kept = spool_->append(facts, {}, checks);
  for (const std::string& name : names) {
    Offered& fact = offered[name];
    fact.accepted = kept.has_value();
    fact.may_miss = !kept && disk_.happened();
    if (!kept && !disk_.happened()) ++refused;
  }
}

// ---- Link ----

bool SimAgent::connect(const std::shared_ptr<SimStream>& stream) {
  const auto status = spool_->status();
  const auto digest = spool_->assignment_digest();
  if (!status || !digest) return false;
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(1);
  hello.set_agent_version("1.0");
  hello.set_epoch(status->epoch.value);
  hello.set_instance(fmt::format("{} {}", name_, lives_));
  hello.set_first_seq(status->first.value);
  hello.set_last_seq(status->last.value);
  hello.set_host_name(name_);
  hello.set_wall_ns(time.wall().ns);
  hello.set_assign_digest(*digest);
  hello.set_first_chain(status->first_chain);
  hello.set_last_chain(status->last_chain);
  hello.set_takes_resend_check(true);
  stream->up.push_back(message.SerializeAsString());
  stream_ = stream;
  established_ = false;
  epoch_ = status->epoch;
  acked_ = Seq{status->first.value - 1};
  next_ = status->first;
  return true;
}

void SimAgent::disconnect() {
  if (!stream_) return;
  stream_->agent_gone = true;
  stream_->down.clear();
  stream_ = nullptr;
  established_ = false;
}

void SimAgent::send_facts() {
  if (!established()) return;
  const std::uint64_t in_flight = next_.value - 1 - acked_.value;
  if (in_flight >= window_) return;
  const std::uint64_t room = std::min(window_ - in_flight, 1 + chance_.below(6));
  const auto rows = spool_->read(next_, room, kAllBytes);
  if (!rows || rows->empty()) return;
  if (rows->front().seq != next_) return disconnect();  // Purged: a new Hello says so.
  v1::AgentMessage message;
  v1::FactBatch& batch = *message.mutable_facts();
  batch.set_epoch(epoch_.value);
  batch.set_first_seq(next_.value);
  batch.set_chain(rows->back().chain);
  for (const agent::SpoolRow& row : *rows) batch.add_facts(row.bytes);
  next_ = Seq{next_.value + rows->size()};
  stream_->up.push_back(message.SerializeAsString());
}

void SimAgent::send_heartbeat() {
  if (!established()) return;
  model::Heartbeat heartbeat;
  heartbeat.wall = time.wall();
  for (const agent::CheckRow& row : results()) {
    heartbeat.checks.push_back({row.check, {}, row.digest, {}, 10s, row.last_seq});
  }
  v1::AgentMessage message;
  wire::to_proto(heartbeat, *message.mutable_heartbeat());
  stream_->up.push_back(message.SerializeAsString());
}

bool SimAgent::acknowledge(Epoch epoch, Seq up_to) {
  if (!spool_->acknowledge(epoch, up_to)) return false;
  acked_ = std::max(acked_, up_to);
  next_ = std::max(next_, Seq{acked_.value + 1});
  return true;
}

void SimAgent::handle(const v1::CollectorMessage& message) {
  if (message.has_resume()) {
    const v1::Resume& resume = message.resume();
    if (!acknowledge(Epoch{resume.epoch()}, Seq{resume.acked_seq()})) return disconnect();
    window_ = std::max(1U, resume.window());
    established_ = true;
  } else if (message.has_ack()) {
    const v1::Ack& ack = message.ack();
    if (!acknowledge(Epoch{ack.epoch()}, Seq{ack.up_to_seq()})) disconnect();
  } else if (message.has_resend()) {
    const Seq from{message.resend().from_seq()};
    if (from > acked_ && from < next_) next_ = from;
  } else if (message.has_assign()) {
    const v1::Assign& assign = message.assign();
    if (!spool_->put_assignment(assign.SerializeAsString(), assign.digest())) disconnect();
  } else if (message.has_refusal()) {
    if (message.refusal().new_epoch_required()) static_cast<void>(spool_->begin_new_epoch());
    disconnect();
  } else if (message.has_chain_query()) {
    answer_chain(Seq{message.chain_query().seq()});
  } else if (message.has_resend_check()) {
    const auto check = wire::from_proto(message.resend_check().check());
    if (!check || !spool_->put_resend(*check)) disconnect();
  }
}

void SimAgent::answer_chain(Seq seq) {
  const auto chain = spool_->chain_at(seq);
  if (!chain) return disconnect();
  v1::AgentMessage message;
  message.mutable_chain_answer()->set_seq(seq.value);
  message.mutable_chain_answer()->set_chain(*chain);
  stream_->up.push_back(message.SerializeAsString());
}

bool SimAgent::drained() {
  const auto status = spool_->status();
  return status && status->rows == 0 && !status->full;
}

}  // namespace tocsin::tests
