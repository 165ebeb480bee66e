#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

#include "tocsin/v1/agent.grpc.pb.h"
#include "tocsin/v1/operator.grpc.pb.h"
#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_callback.h>
#include <sys/resource.h>

#include "collector/store/sqlite_journal.hpp"
#include "common/crypto/crypto.hpp"
#include "common/time/time_source.hpp"
#include "common/wire/wire.hpp"
#include "tests/bench/bench_ingest.hpp"

namespace tocsin::bench {
namespace {

using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A service fact of about 200 bytes. `failed` decides its verdict.
std::string service_fact(std::uint32_t unit, bool failed, Instant now) {
  model::ServiceFacts facts;
  facts.unit = fmt::format("bench-{:04}.service", unit);
  facts.load_state = "loaded";
  facts.active_state = failed ? "failed" : "active";
  facts.sub_state = failed ? "failed" : "running";
  facts.result = failed ? "exit-code" : "success";
  facts.main_pid = failed ? 0 : 12345;
  facts.state_since = now;
  model::Observation observation;
  observation.check = {model::CheckKind::service, facts.unit};
  observation.at = now;
  observation.took = 1ms;
  observation.facts = std::move(facts);
  model::Fact fact{"6fd8a3c1-6e0b-4a55-9a5b-0f6d3c1e2a77", MonoTime{1'000'000'000}, now,
                   model::Priority::normal, std::move(observation)};
  return wire::encode_fact(fact);
}

// The facts that a stream sends, made before the clock starts. One in `change_every` is a service
// that fails or comes back; the others repeat that all is well.
class FactSource {
 public:
  FactSource(std::uint32_t change_every, Instant now) : change_every_(change_every) {
    for (std::uint32_t unit = 0; unit < kUnits; ++unit) {
      well_.push_back(service_fact(unit, false, now));
    }
    failed_ = service_fact(kUnits, true, now);
    back_ = service_fact(kUnits, false, now);
  }
  const std::string& fact(std::uint64_t index) const {
    if (change_every_ != 0 && index % change_every_ == change_every_ - 1) {
      return (index / change_every_) % 2 == 0 ? failed_ : back_;
    }
    return well_[index % kUnits];
  }

 private:
  static constexpr std::uint32_t kUnits = 20;
  std::uint32_t change_every_;
  std::vector<std::string> well_;
  std::string failed_;
  std::string back_;
};

struct Finish {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint32_t open = 0;
  std::string problem;
};

class AgentStream final : public grpc::ClientBidiReactor<v1::AgentMessage, v1::CollectorMessage> {
 public:
  AgentStream(std::shared_ptr<grpc::Channel> channel, const LoadOptions& options,
              const FactSource& source, std::uint64_t facts, std::uint64_t epoch, Finish& finish)
      : stub_(v1::AgentLink::NewStub(std::move(channel))),
        options_(options),
        source_(source),
        total_(facts),
        epoch_(epoch),
        finish_(finish) {}

  void start() {
    stub_->async()->Session(&context_, this);
    v1::Hello& hello = *out_.mutable_hello();
    hello.set_protocol(1);
    hello.set_agent_version("bench");
    hello.set_epoch(epoch_);
    hello.set_instance(crypto::random_bytes(16));
    hello.set_first_seq(1);
    hello.set_last_seq(total_);
    hello.set_host_name("bench");
    hello.set_operating_system("bench");
    AddHold();
    writing_ = true;
    StartWrite(&out_);
    StartRead(&in_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    std::unique_lock lock(mutex_);
    if (!ok) return leave(lock);
    if (in_.has_resume()) {
      resumed_ = true;
    } else if (in_.has_ack()) {
      acked_ = std::max(acked_, in_.ack().up_to_seq());
      note_round_trips();
    } else if (in_.has_refusal()) {
      problem_ = "refused: " + in_.refusal().reason().code();
      return leave(lock);
    } else if (in_.has_resend()) {
      problem_ = "the collector saw a gap";
      return leave(lock);
    }
    if (acked_ == total_) return leave(lock);
    pump();
    StartRead(&in_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (ok && !left_) pump();
  }

  void OnDone(const grpc::Status& status) override {
    const std::lock_guard lock(finish_.mutex);
    if (acked_ != total_ && finish_.problem.empty()) {
      finish_.problem = fmt::format("{} of {} acknowledged; {} {}", acked_, total_, problem_,
                                    status.error_message());
    }
    --finish_.open;
    finish_.changed.notify_all();
  }

  const std::vector<double>& round_trips_us() const { return round_trips_us_; }

 private:
  void pump() {
    if (writing_ || !resumed_ || sent_ == total_) return;
    const std::uint64_t in_flight = sent_ - acked_;
    if (in_flight + options_.batch > std::uint64_t{options_.window} * options_.batch) return;
    const std::uint64_t count = std::min<std::uint64_t>(options_.batch, total_ - sent_);
    v1::FactBatch& batch = *out_.mutable_facts();
    batch.set_epoch(epoch_);
    batch.set_first_seq(sent_ + 1);
    batch.mutable_facts()->Clear();
    for (std::uint64_t i = 0; i < count; ++i) *batch.add_facts() = source_.fact(sent_ + i);
    sent_ += count;
    if (options_.window == 1) sent_at_ = Clock::now();
    writing_ = true;
    StartWrite(&out_);
  }
  void note_round_trips() {
    if (options_.window != 1 || acked_ != sent_) return;
    round_trips_us_.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - sent_at_).count());
  }
  void leave(std::unique_lock<std::mutex>& lock) {
    if (left_) return;
    left_ = true;
    lock.unlock();
    context_.TryCancel();
    RemoveHold();
  }

  std::unique_ptr<v1::AgentLink::Stub> stub_;
  grpc::ClientContext context_;
  LoadOptions options_;
  const FactSource& source_;
  const std::uint64_t total_;
  const std::uint64_t epoch_;
  Finish& finish_;
  std::mutex mutex_;
  v1::AgentMessage out_;
  v1::CollectorMessage in_;
  bool writing_ = false;
  bool resumed_ = false;
  bool left_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t acked_ = 0;
  std::string problem_;
  Clock::time_point sent_at_;
  std::vector<double> round_trips_us_;
};

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::not_found, fmt::format("{}: cannot be read", path));
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

Status prepare_agents(const std::string& pki, const std::string& folder, std::uint32_t count,
                      const std::string& journal) {
  const auto certificate = read_file(pki + "/ca.pem");
  if (!certificate) return fail(certificate.error());
  const auto key = read_file(pki + "/ca.key");
  if (!key) return fail(key.error());
  std::filesystem::create_directories(folder);
  const Instant now = time::SystemTime().wall();
  std::vector<std::string> admissions;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("bench-{}", i);
    const auto agent_key = crypto::make_key_pem();
    if (!agent_key) return fail(agent_key.error());
    const auto request = crypto::make_signing_request(*agent_key, name);
    if (!request) return fail(request.error());
    const auto id = crypto::agent_id_of_request(*request);
    if (!id) return fail(id.error());
    crypto::CertificateRequest wanted;
    wanted.identity.kind = crypto::Identity::Kind::agent;
    wanted.identity.agent = *id;
    wanted.not_before = now - 1h;
    wanted.life = 24h;
    const auto signed_pem = crypto::sign_certificate({*certificate, *key}, *request, wanted);
    if (!signed_pem) return fail(signed_pem.error());
    std::ofstream(fmt::format("{}/{}.key", folder, i)) << *agent_key;
    std::ofstream(fmt::format("{}/{}.pem", folder, i)) << *signed_pem;
    model::Command admit{"admit-" + name, {"bench", model::Role::admin, ""}, 0, "", {}};
    admit.act = model::AdmitAgent{*id, name, name};
    admissions.push_back(wire::encode_journal(admit));
  }
  collector::SqliteJournalOptions options;
  options.directory = journal;
  const auto writer = collector::open_journal_writer(options);
  if (!writer) return fail(writer.error());
  const auto first = (*writer)->append(admissions, now, {});
  if (!first) return fail(first.error());
  return {};
}

namespace {

// Asks the collector's operator service until everything that it journaled is judged.
Status wait_for_judge(const LoadOptions& options) {
  const auto authority = read_file(options.pki + "/ca.pem");
  const auto key = read_file(options.pki + "/operators/admin.key");
  const auto certificate = read_file(options.pki + "/operators/admin.pem");
  if (!authority || !key || !certificate) {
    return fail(ErrorCode::not_found, options.pki + "/operators/admin: no key or certificate");
  }
  const auto stub = v1::Operator::NewStub(grpc::CreateChannel(
      options.operators, grpc::SslCredentials({*authority, *key, *certificate})));
  v1::GetStatusRequest request;
  for (int round = 0; round < 2; ++round) {
    v1::Status answer;
    grpc::ClientContext context;
    const grpc::Status status = stub->GetStatus(&context, request, &answer);
    if (!status.ok()) return fail(ErrorCode::unavailable, status.error_message());
    request.mutable_read_at()->set_at_least_position(answer.journal_head());
    request.mutable_read_at()->set_wait_ms(60'000);
  }
  return {};
}

}  // namespace

Result<LoadResult> run_load(const LoadOptions& options) {
  const auto authority = read_file(options.pki + "/ca.pem");
  if (!authority) return fail(authority.error());
  const FactSource source(options.change_every, time::SystemTime().wall());
  Finish finish;
  std::vector<std::unique_ptr<AgentStream>> streams;
  for (std::uint32_t i = 0; i < options.streams; ++i) {
    const auto key = read_file(fmt::format("{}/{}.key", options.agents, i));
    if (!key) return fail(key.error());
    const auto certificate = read_file(fmt::format("{}/{}.pem", options.agents, i));
    if (!certificate) return fail(certificate.error());
    grpc::SslCredentialsOptions tls{*authority, *key, *certificate};
    auto channel = grpc::CreateChannel(options.address, grpc::SslCredentials(tls));
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(60))) {
      return fail(ErrorCode::unavailable, fmt::format("{}: no connection", options.address));
    }
    const std::uint64_t epoch = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
    streams.push_back(std::make_unique<AgentStream>(
        std::move(channel), options, source, options.facts / options.streams, epoch + i, finish));
  }
  finish.open = options.streams;
  const double cpu_before = cpu_seconds();
  const auto begin = Clock::now();
  for (const auto& stream : streams) stream->start();
  std::unique_lock lock(finish.mutex);
  if (!finish.changed.wait_for(lock, std::chrono::minutes(5), [&] { return finish.open == 0; })) {
    return fail(ErrorCode::deadline_exceeded, "the load did not end in five minutes");
  }
  if (!finish.problem.empty()) return fail(ErrorCode::internal, finish.problem);
  LoadResult result;
  result.acknowledged_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (!options.operators.empty()) TOCSIN_TRY(wait_for_judge(options));
  result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  result.facts = options.facts / options.streams * options.streams;
  result.client_cpu_seconds = cpu_seconds() - cpu_before;
  std::vector<double> trips;
  for (const auto& stream : streams) {
    trips.insert(trips.end(), stream->round_trips_us().begin(), stream->round_trips_us().end());
  }
  if (!trips.empty()) {
    std::nth_element(trips.begin(), trips.begin() + static_cast<long>(trips.size() / 2),
                     trips.end());
    result.round_trip_us_median = trips[trips.size() / 2];
  }
  return result;
}

}  // namespace tocsin::bench
