#include "tests/integration/link/room.hpp"

#include <filesystem>
#include <fstream>

#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/rpc/credentials.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::tests {

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// ---- Intake ----

CommittingIntake::CommittingIntake() : thread_([this] { run(); }) {}

CommittingIntake::~CommittingIntake() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status CommittingIntake::submit(std::vector<collector::PendingEntry>&& entries,
                                std::optional<collector::SpoolCursor> cursor, Done done) {
  const std::lock_guard lock(mutex_);
  if (full_) return fail(ErrorCode::resource_exhausted, "full, as the test said");
  waiting_.push_back({std::move(entries), std::move(cursor), std::move(done)});
  changed_.notify_all();
  return {};
}

Result<collector::Committed> CommittingIntake::submit_and_wait(collector::PendingEntry) {
  return fail(ErrorCode::internal, "no test of the link needs this");
}

Instant CommittingIntake::journal_now() const { return time_.wall(); }

void CommittingIntake::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (!held_ && !waiting_.empty()); });
    if (stopping_) return;
    std::vector<Waiting> group = std::exchange(waiting_, {});
    committing_ = true;
    const bool failing = std::exchange(fail_next_, false);
    for (Waiting& one : group) {
      if (failing) continue;
      for (collector::PendingEntry& entry : one.entries) {
        journal_.push_back(entry.body ? *entry.body : wire::decode_journal(entry.bytes).value());
        bytes_.push_back(std::move(entry.bytes));
      }
      if (one.cursor) cursors_[{one.cursor->agent.hex, one.cursor->epoch}] = *one.cursor;
    }
    const Position head{journal_.size()};
    lock.unlock();
    for (const Waiting& one : group) {
      if (failing) {
        one.done(fail(ErrorCode::internal, "as the test said"));
      } else {
        one.done(collector::Committed{head, head, time_.wall()});
      }
    }
    lock.lock();
    committing_ = false;
    changed_.notify_all();
  }
}

void CommittingIntake::settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return held_ || (waiting_.empty() && !committing_); });
}

void CommittingIntake::refuse(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void CommittingIntake::hold(bool held) {
  const std::lock_guard lock(mutex_);
  held_ = held;
  changed_.notify_all();
}

void CommittingIntake::fail_next_commit() {
  const std::lock_guard lock(mutex_);
  fail_next_ = true;
}

void CommittingIntake::put_back(const std::vector<collector::SpoolCursor>& cursors) {
  const std::lock_guard lock(mutex_);
  cursors_.clear();
  for (const auto& cursor : cursors) cursors_[{cursor.agent.hex, cursor.epoch}] = cursor;
  std::erase_if(journal_, [this](const model::JournalBody& body) {
    const auto* fact = std::get_if<model::AgentFact>(&body);
    if (fact == nullptr) return true;
    const auto known = cursors_.find({fact->agent.hex, fact->epoch});
    return known == cursors_.end() || fact->seq > known->second.last;
  });
}

std::vector<collector::SpoolCursor> CommittingIntake::cursors() const {
  const std::lock_guard lock(mutex_);
  std::vector<collector::SpoolCursor> all;
  for (const auto& [key, cursor] : cursors_) all.push_back(cursor);
  return all;
}

std::vector<std::uint64_t> CommittingIntake::seqs(const AgentId& agent, Epoch epoch) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> found;
  for (const model::JournalBody& body : journal_) {
    const auto* fact = std::get_if<model::AgentFact>(&body);
    if (fact != nullptr && fact->agent == agent && fact->epoch == epoch) {
      found.push_back(fact->seq.value);
    }
  }
  return found;
}

namespace {
template <class Kind>
std::vector<Kind> all_of(const std::vector<model::JournalBody>& journal) {
  std::vector<Kind> found;
  for (const model::JournalBody& body : journal) {
    if (const auto* kind = std::get_if<Kind>(&body)) found.push_back(*kind);
  }
  return found;
}
}  // namespace

std::size_t CommittingIntake::facts() const {
  const std::lock_guard lock(mutex_);
  return all_of<model::AgentFact>(journal_).size();
}

std::vector<model::FactRangeLost> CommittingIntake::lost() const {
  const std::lock_guard lock(mutex_);
  return all_of<model::FactRangeLost>(journal_);
}

std::vector<model::AgentPresence> CommittingIntake::presence() const {
  const std::lock_guard lock(mutex_);
  return all_of<model::AgentPresence>(journal_);
}

std::vector<std::string> CommittingIntake::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

// ---- Room ----

Room::Room() : authority(time::SystemTime().wall()), policy(std::make_shared<model::SitePolicy>()) {
  char root[] = "/tmp/tocsin-link-XXXXXX";
  root_ = ::mkdtemp(root);
  const KeyAndCertificate collector = authority.for_collector();
  const std::string folder = this->folder("collector");
  write(folder, "certificate.pem", collector.certificate_pem);
  write(folder, "key.pem", collector.key_pem);
  write(folder, "authorities.pem", authority.authority().certificate_pem);
  policy->agent_silent_after = 2s;
  options.run_noted_within = 0s;  // Tests note their runs at once.
  renew = [](const AgentId&, std::string_view) -> Result<collector::RenewedCertificate> {
    return fail(ErrorCode::permission_denied, "not in this test");
  };
  start_collector();
}

Room::~Room() {
  stop_collector();
  std::filesystem::remove_all(root_);
}

std::string Room::folder(const std::string& name) const {
  std::string path = root_ + "/" + name;
  std::filesystem::create_directories(path);
  return path;
}

std::string Room::write(const std::string& folder, const std::string& name,
                        const std::string& content) const {
  std::string path = folder + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  ::chmod(path.c_str(), 0600);
  return path;
}

void Room::admit(const AgentId& agent, bool revoked) {
  const std::lock_guard lock(mutex_);
  admissions_[agent] = {true, revoked, "host-" + agent.hex.substr(0, 6)};
}

collector::Judge::Admission Room::admission(const AgentId& agent) const {
  const std::lock_guard lock(mutex_);
  const auto found = admissions_.find(agent);
  return found == admissions_.end() ? collector::Judge::Admission{} : found->second;
}

void Room::approve(std::shared_ptr<const model::ApprovedBaseline> baseline) {
  const std::lock_guard lock(mutex_);
  baseline_ = std::move(baseline);
  ++baselines_revision_;
}

std::vector<crypto::CertificateInfo> Room::let_in() const {
  const std::lock_guard lock(mutex_);
  return let_in_;
}

void Room::set_policy(std::shared_ptr<model::SitePolicy> changed) {
  const std::lock_guard lock(mutex_);
  policy = std::move(changed);
}

TestAgent Room::add_agent(bool admitted) {
  TestAgent agent;
  agent.folder = folder("agent-" + std::to_string(++agents_));
  agent.identity = authority.for_agent();
  agent.id = crypto::agent_id_of_key(agent.identity.key_pem).value();
  write(agent.folder, "certificate.pem", agent.identity.certificate_pem);
  write(agent.folder, "key.pem", agent.identity.key_pem);
  write(agent.folder, "authorities.pem", authority.authority().certificate_pem);
  if (admitted) admit(agent.id);
  return agent;
}

TestAgent Room::clone(const TestAgent& agent) {
  TestAgent copy = agent;
  copy.folder = folder("agent-" + std::to_string(++agents_));
  std::filesystem::copy(agent.folder, copy.folder);
  return copy;
}

agent::LinkConfig Room::config(const TestAgent& agent) const {
  agent::LinkConfig config;
  config.collectors = {address()};
  config.certificate_file = agent.folder + "/certificate.pem";
  config.private_key_file = agent.folder + "/key.pem";
  config.authorities_file = agent.folder + "/authorities.pem";
  config.spool_file = agent.spool_path();
  config.baseline_file = agent.folder + "/baseline";
  config.agent_version = "0.1.0";
  config.host_name = "h1";
  config.operating_system = "Debian GNU/Linux 12";
  config.boot_id = "boot";
  config.retry_first = 20ms;
  config.retry_longest = 200ms;
  return config;
}

void Room::start_collector() {
  intake.settle();
  collector::IngestParts parts{intake,
                               [this](const AgentId& agent) { return admission(agent); },
                               [this]() -> std::shared_ptr<const model::SitePolicy> {
                                 const std::lock_guard lock(mutex_);
                                 return policy;
                               },
                               time,
                               results,
                               [this](const std::string&) {
                                 const std::lock_guard lock(mutex_);
                                 return baseline_;
                               },
                               [this] {
                                 const std::lock_guard lock(mutex_);
                                 return baselines_revision_;
                               }};
  hub_ = std::make_unique<collector::Hub>(std::move(parts), intake.cursors(), known, options);
  service_ = collector::make_agent_link_service(
      *hub_,
      [this](const AgentId& agent, std::string_view request) { return renew(agent, request); },
      time,
      [this](const crypto::CertificateInfo& certificate) {
        const std::lock_guard lock(mutex_);
        let_in_.push_back(certificate);
      },
      evidence);
  const std::string folder = this->folder("collector");
  auto tls = rpc::ServerTls::open(
      {folder + "/certificate.pem", folder + "/key.pem", folder + "/authorities.pem"});
  ASSERT_TRUE(tls) << tls.error().message;
  tls_ = *std::move(tls);
  grpc::ServerBuilder builder;
  rpc::apply_limits(builder);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), tls_->credentials(true), &port);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  ASSERT_TRUE(server_) << "cannot listen";
  port_ = port;
}

void Room::stop_collector() {
  if (!server_) return;
  EXPECT_TRUE(hub_->stop());
  server_->Shutdown(std::chrono::system_clock::now() + 2s);
  server_.reset();
  service_.reset();
  hub_.reset();
}

std::unique_ptr<v1::AgentLink::Stub> Room::stub(const TestAgent& agent) const {
  const agent::LinkConfig files = config(agent);
  const auto channel = rpc::secure_channel(
      address(), {files.certificate_file, files.private_key_file, files.authorities_file});
  return v1::AgentLink::NewStub(channel.value());
}

// ---- Agents ----

RunningLink::RunningLink(Room& room, const TestAgent& agent, agent::LinkConfig config,
                         const time::TimeSource* time)
    : spool_(open_spool(agent)), time_(), config_(std::move(config)) {
  static_cast<void>(room);
  const time::TimeSource& clock = time == nullptr ? time_ : *time;
  thread_ = std::jthread([this, &clock](std::stop_token stop) {
    result_ = agent::run_link(config_, *spool_, clock, std::move(stop));
    ended_ = true;
  });
}

Status RunningLink::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  return result_;
}

std::unique_ptr<agent::Spool> open_spool(const TestAgent& agent) {
  return agent::Spool::open(agent.spool_path(), {}).value();
}

std::string a_fact(int number) {
  model::Fact fact;
  fact.boot_id = "boot";
  fact.wall = Instant{1'795'363'267'000'000'000 + number};
  fact.body = model::AgentEvent{{"test.event", {{"number", std::to_string(number)}}}};
  return wire::encode_fact(fact);
}

Seq append_facts(agent::Spool& spool, int count, bool one_by_one) {
  std::vector<agent::NewFact> facts;
  Seq last;
  for (int i = 0; i < count; ++i) {
    facts.push_back({a_fact(i), model::Priority::normal});
    if (one_by_one) {
      last = spool.append(facts, {}, {}).value();
      facts.clear();
    }
  }
  if (!facts.empty()) last = spool.append(facts, {}, {}).value();
  return last;
}

}  // namespace tocsin::tests
