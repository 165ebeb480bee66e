#include "agent/link/session.hpp"

#include <algorithm>
#include <utility>

#include <sys/statvfs.h>

#include "agent/config/baseline_file.hpp"
#include "common/async/spawn.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/rpc/status.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/samples.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {

namespace asio = boost::asio;

namespace {

constexpr std::uint32_t kProtocol = 1;
constexpr Duration kSlowLook = 5s;  // for rows that no event told of
constexpr std::size_t kReceipts = 256;
constexpr std::uint32_t kMostInFlight = 65536;
constexpr Duration kHeartbeatLeast = 50ms;
constexpr Duration kHeartbeatMost = 60s;

Duration age(MonoTime now, MonoTime then) { return std::max(Duration{}, now - then); }

// A run of an earlier boot has a monotonic time that may be ahead of this boot's: then only the
// wall tells how old it is.
model::CheckState state_of(const CheckRow& row, MonoTime now, Instant wall) {
  const bool this_boot = row.last_run_monotonic <= now;
  const Duration since_run =
      this_boot ? age(now, row.last_run_monotonic) : std::max(Duration{}, wall - row.last_run);
  const Duration unchanged = std::max(since_run, age(now, row.unchanged_since_monotonic));
  return {row.check, since_run, row.digest, unchanged, row.interval, row.last_seq};
}

// Of the baseline that this host keeps. One that cannot be read is as good as none: it comes again.
std::string baseline_digest(const LinkConfig& config) {
  if (config.baseline_file.empty()) return {};
  const auto baseline = read_baseline_file(config.baseline_file);
  if (!baseline) {
    log::warning("link.baseline_unreadable", {{"error", baseline.error().message}});
    return {};
  }
  return *baseline ? (*baseline)->digest : std::string();
}

// A disk without room for one commit: the observer may not even be able to note in the spool what
// it could not keep there.
bool disk_is_full(const std::string& spool_file) {
  constexpr std::uint64_t kRoomForOne = 256 << 10;
  struct statvfs disk {};
  return ::statvfs(spool_file.c_str(), &disk) == 0 && disk.f_blocks > 0 &&
         disk.f_bavail * disk.f_frsize < kRoomForOne;
}

bool needs_people(std::string_view code) {
  return code == "link.clone" || code == "link.revoked" || code == "link.unknown";
}

}  // namespace

LinkSession::LinkSession(asio::io_context& context, rpc::Completions& completions,
                         const LinkConfig& config, Spool& spool, SampleReader& samples,
                         const time::TimeSource& time, std::string instance)
    : context_(context),
      completions_(completions),
      config_(config),
      spool_(spool),
      samples_(samples),
      time_(time),
      instance_(std::move(instance)),
      wake_(context.get_executor()),
      answered_(context.get_executor()),
      child_ended_(context.get_executor()) {}

asio::awaitable<SessionEnd> LinkSession::run(v1::AgentLink::Stub& stub, std::string collector) {
  collector_ = std::move(collector);
  if (ending_) co_return end_;
  const auto prepare = [&stub](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
    return stub.PrepareAsyncSession(context, queue);
  };
  stream_ = std::make_unique<Stream>(completions_, context_.get_executor(), prepare);
  ++children_;
  async::spawn(context_.get_executor(), watch_for_answer());
  co_await talk();
  begin_ending();
  while (children_ > 0) co_await child_ended_.wait_for(kSlowLook);
  const grpc::Status status = co_await stream_->finish();
  if (!status.ok() && end_.error.message.empty()) end_.error = rpc::from_grpc(status);
  co_return end_;
}

void LinkSession::begin_ending() {
  if (std::exchange(ending_, true)) return;
  if (stream_) stream_->cancel();
  wake_.notify();
  answered_.notify();
}

void LinkSession::stop() { begin_ending(); }

void LinkSession::renew() {
  end_.at_once = true;
  end_.error = Error{ErrorCode::aborted, "the certificate must be renewed"};
  begin_ending();
}

void LinkSession::spool_changed() { wake_.notify(); }

// ---- Down ----

asio::awaitable<void> LinkSession::talk() {
  const Result<v1::AgentMessage> greeting = hello();
  if (!greeting) {
    spool_failed(greeting.error());
    co_return;
  }
  const bool greeted = co_await stream_->write(*greeting);
  if (!greeted) co_return;
  v1::CollectorMessage message;
  for (;;) {
    const bool got = co_await stream_->read(message);
    if (!got) co_return;
    const Status handled = handle(message);
    if (!handled) {
      end_.error = handled.error();
      co_return;
    }
    if (ending_) co_return;
    if (chain_asked_) {
      const Seq seq = *std::exchange(chain_asked_, std::nullopt);
      const bool told = co_await send_chain(seq);
      if (!told) co_return;
    }
  }
}

// A collector that accepts the connection and never answers is as good as none.
asio::awaitable<void> LinkSession::watch_for_answer() {
  // Named first: g++ 12 miscompiles a co_await inside a condition with `&&`.
  const bool notified = co_await answered_.wait_for(config_.answer_within);
  if (!notified && !ending_) {
    end_.error = Error{ErrorCode::deadline_exceeded, "no answer to Hello"};
    stream_->cancel();
  }
  --children_;
  child_ended_.notify();
}

Result<v1::AgentMessage> LinkSession::hello() {
  const Result<SpoolStatus> status = spool_.status();
  if (!status) return fail(status.error());
  const Result<std::string> digest = spool_.assignment_digest();
  if (!digest) return fail(digest.error());
  epoch_ = status->epoch;
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol(kProtocol);
  hello.set_agent_version(config_.agent_version);
  hello.set_epoch(status->epoch.value);
  hello.set_instance(instance_);
  hello.set_first_seq(status->first.value);
  hello.set_last_seq(status->last.value);
  hello.set_host_name(clean_text(config_.host_name, limits::kName));
  hello.set_operating_system(clean_text(config_.operating_system, limits::kName));
  hello.set_boot_id(config_.boot_id);
  hello.set_wall_ns(time_.wall().ns);
  hello.set_assign_digest(*digest);
  hello.set_first_chain(status->first_chain);
  hello.set_last_chain(status->last_chain);
  hello.set_takes_resend_check(true);
  hello.set_baseline_digest(baseline_digest(config_));
  return message;
}

Status LinkSession::handle(const v1::CollectorMessage& message) {
  if (!end_.established && !message.has_resume() && !message.has_refusal() &&
      !message.has_chain_query()) {
    return fail(ErrorCode::failed_precondition, "the collector did not answer Hello first");
  }
  switch (message.body_case()) {
    case v1::CollectorMessage::kResume:
      return resume(message.resume());
    case v1::CollectorMessage::kAck:
      return acknowledge(message.ack());
    case v1::CollectorMessage::kAssign:
      return assign(message.assign());
    case v1::CollectorMessage::kRequest:
      return request(message.request());
    case v1::CollectorMessage::kResend:
      return resend(message.resend());
    case v1::CollectorMessage::kRefusal:
      return refused(message.refusal());
    case v1::CollectorMessage::kChainQuery:
      return query_chain(message.chain_query());
    case v1::CollectorMessage::kResendCheck:
      return resend_check(message.resend_check());
    case v1::CollectorMessage::kBaseline:
      return baseline(message.baseline());
    case v1::CollectorMessage::BODY_NOT_SET:
      return {};  // Of a newer collector: not for us.
  }
  return {};
}

// What the spool answers decides: its trouble ends the process, the collector's only the session.
Status LinkSession::acknowledge(const v1::Ack& ack) {
  const Status done = spool_.acknowledge(Epoch{ack.epoch()}, Seq{ack.up_to_seq()});
  if (done) {
    acked_ = std::max(acked_, Seq{ack.up_to_seq()});
    next_ = std::max(next_, Seq{acked_.value + 1});
    wake_.notify();
    return {};
  }
  const ErrorCode code = done.error().code;
  if (code != ErrorCode::failed_precondition && code != ErrorCode::invalid_argument) {
    spool_failed(done.error());
  }
  return done;
}

void LinkSession::spool_failed(const Error& error) {
  end_.error = error;
  if (!is_retryable(error.code)) end_.fatal = error;
}

Status LinkSession::resume(const v1::Resume& resume) {
  if (end_.established) return fail(ErrorCode::failed_precondition, "a second Resume");
  v1::Ack committed;
  committed.set_epoch(resume.epoch());
  committed.set_up_to_seq(resume.acked_seq());
  TOCSIN_TRY(acknowledge(committed));
  window_ = std::clamp(resume.window(), 1U, kMostInFlight);
  heartbeat_every_ = std::clamp(Duration(std::chrono::milliseconds(resume.heartbeat_ms())),
                                kHeartbeatLeast, kHeartbeatMost);
  heartbeat_due_ = time_.steady();
  end_.established = true;
  answered_.notify();
  log::info("link.connected", {{"collector", collector_},
                               {"epoch", epoch_.value},
                               {"acked", acked_.value},
                               {"window", window_}});
  ++children_;
  async::spawn(context_.get_executor(), send());
  return {};
}

Status LinkSession::resend(const v1::Resend& resend) {
  const Seq from{resend.from_seq()};
  log::warning("link.resend", {{"from", from.value}, {"next", next_.value}});
  if (from > acked_ && from < next_) next_ = from;
  wake_.notify();
  return {};
}

Status LinkSession::assign(const v1::Assign& assign) {
  if (assign.checks_size() > static_cast<int>(limits::kChecks)) {
    return fail(ErrorCode::invalid_argument, "more checks are assigned than a host may have");
  }
  std::vector<model::CheckDefinition> checks;
  for (const v1::CheckDefinition& check : assign.checks()) {
    Result<model::CheckDefinition> decoded = wire::from_proto(check);
    if (!decoded) {
      // Of a newer collector: the others are still worth running.
      log::warning("link.check_not_known", {{"error", decoded.error().message}});
      continue;
    }
    checks.push_back(std::move(*decoded));
  }
  TOCSIN_TRY(spool_.put_assignment(wire::encode_checks(checks), assign.digest()));
  log::info("link.assigned", {{"checks", checks.size()}, {"digest", assign.digest()}});
  return {};
}

// Nothing of it is worth ending the session for: what cannot be kept is sent again after the next
// Hello.
Status LinkSession::baseline(const v1::ApprovedBaseline& baseline) {
  if (config_.baseline_file.empty()) return {};
  const Result<model::ApprovedBaseline> decoded = wire::from_proto(baseline);
  const Status kept =
      decoded ? write_baseline_file(config_.baseline_file, *decoded) : fail(decoded.error());
  if (!kept) {
    log::warning("link.baseline_not_kept", {{"error", kept.error().message}});
    return {};
  }
  log::info("link.baseline", {{"scope", to_string(decoded->scope)},
                              {"version", decoded->version},
                              {"digest", decoded->digest}});
  return {};
}

Status LinkSession::request(const v1::Request& request) {
  const Result<model::Request> decoded = wire::from_proto(request);
  if (!decoded) {
    log::warning("link.request_not_known", {{"error", decoded.error().message}});
    return {};
  }
  const Status kept = spool_.put_request(*decoded, time_.wall());
  if (!kept) {
    log::warning("link.request_not_kept", {{"error", kept.error().message}});
    return {};  // No receipt: the collector sends it again, until it expires.
  }
  if (receipts_.size() < kReceipts) receipts_.push_back(decoded->request_id);
  wake_.notify();
  return {};
}

Status LinkSession::query_chain(const v1::ChainQuery& query) {
  if (end_.established) return fail(ErrorCode::failed_precondition, "a ChainQuery after Resume");
  chain_asked_ = Seq{query.seq()};
  return {};
}

Status LinkSession::resend_check(const v1::ResendCheck& resend) {
  const Result<model::CheckRef> check = wire::from_proto(resend.check());
  if (!check) return {};  // Of a newer collector: there is no such check here.
  log::info("link.resend_check", {{"check", model::to_string(*check)}});
  const Status kept = spool_.put_resend(*check);
  if (!kept) log::warning("link.resend_not_kept", {{"error", kept.error().message}});
  return {};
}

Status LinkSession::refused(const v1::Refusal& refusal) {
  const std::string code = clean_text(refusal.reason().code(), limits::kName);
  log::warning("link.refused", {{"collector", collector_}, {"reason", code}});
  end_.wait_long = needs_people(code);
  if (refusal.new_epoch_required()) {
    const Result<Epoch> epoch = spool_.begin_new_epoch();
    if (!epoch) {
      spool_failed(epoch.error());
      return fail(epoch.error());
    }
    end_.at_once = true;
    log::warning("link.new_epoch", {{"epoch", epoch->value}});
  }
  return fail(ErrorCode::aborted, "refused: " + code);
}

// ---- Up ----

asio::awaitable<void> LinkSession::send() {
  bool open = true;
  while (open && !ending_) {
    bool sent = false;
    if (time_.steady() >= heartbeat_due_) {
      open = co_await send_heartbeat();
    } else if (!receipts_.empty()) {
      open = co_await send_receipt();
    } else {
      open = co_await send_facts(sent);
      if (open && !sent) open = co_await send_samples();
      if (open && !sent && !ending_) co_await wake_.wait_for(pause());
    }
  }
  begin_ending();  // So that the reader ends too.
  --children_;
  child_ended_.notify();
}

// Until the next heartbeat, at most.
Duration LinkSession::pause() const {
  return std::max(std::min(kSlowLook, age(heartbeat_due_, time_.steady())), Duration(1ms));
}

asio::awaitable<bool> LinkSession::send_heartbeat() {
  heartbeat_due_ = time_.steady() + heartbeat_every_;
  const Result<v1::AgentMessage> message = heartbeat();
  if (!message) {
    spool_failed(message.error());
    co_return false;
  }
  co_return co_await stream_->write(*message);
}

Result<v1::AgentMessage> LinkSession::heartbeat() {
  const Result<SpoolStatus> status = spool_.status();
  if (!status) return fail(status.error());
  const Result<std::vector<CheckRow>> checks = spool_.checks();
  if (!checks) return fail(checks.error());
  const MonoTime now = time_.steady();
  model::Heartbeat heartbeat;
  heartbeat.wall = time_.wall();
  heartbeat.spool_rows = status->rows;
  heartbeat.spool_bytes = status->bytes;
  heartbeat.spool_full = status->full || disk_is_full(config_.spool_file);
  if (status->oldest) {
    heartbeat.oldest_unsent_age = std::max(Duration{}, heartbeat.wall - *status->oldest);
  }
  for (const CheckRow& row : *checks)
    heartbeat.checks.push_back(state_of(row, now, heartbeat.wall));
  v1::AgentMessage message;
  wire::to_proto(heartbeat, *message.mutable_heartbeat());
  return message;
}

asio::awaitable<bool> LinkSession::send_chain(Seq seq) {
  Result<std::string> chain = spool_.chain_at(seq);
  if (!chain) {
    spool_failed(chain.error());
    co_return false;
  }
  v1::AgentMessage message;
  message.mutable_chain_answer()->set_seq(seq.value);
  message.mutable_chain_answer()->set_chain(std::move(*chain));
  co_return co_await stream_->write(message);
}

asio::awaitable<bool> LinkSession::send_receipt() {
  v1::AgentMessage message;
  message.mutable_request_received()->set_request_id(receipts_.front());
  receipts_.pop_front();
  co_return co_await stream_->write(message);
}

asio::awaitable<bool> LinkSession::send_facts(bool& sent) {
  const Result<v1::AgentMessage> message = next_batch();
  if (!message) {
    spool_failed(message.error());
    co_return false;
  }
  const int count = message->facts().facts_size();
  if (count == 0) co_return true;
  next_ = Seq{next_.value + static_cast<std::uint64_t>(count)};
  sent = true;
  co_return co_await stream_->write(*message);
}

// What is lost with a broken stream stays lost: nothing is decided by it.
asio::awaitable<bool> LinkSession::send_samples() {
  if (time_.steady() < samples_due_) co_return true;
  samples_due_ = time_.steady() + config_.samples_every;
  const std::vector<series::Sample> fresh = samples_.next();
  if (fresh.empty()) co_return true;
  v1::AgentMessage message;
  wire::to_proto(fresh, *message.mutable_samples());
  co_return co_await stream_->write(message);
}

Result<v1::AgentMessage> LinkSession::next_batch() {
  v1::AgentMessage message;
  v1::FactBatch& batch = *message.mutable_facts();
  const std::uint64_t in_flight = next_.value - 1 - acked_.value;
  if (in_flight >= window_) return message;
  const std::size_t room = std::min<std::uint64_t>(window_ - in_flight, config_.batch_facts);
  Result<std::vector<SpoolRow>> rows = spool_.read(next_, room, config_.batch_bytes);
  if (!rows) return fail(rows.error());
  if (rows->empty()) return message;
  if (rows->front().seq != next_) {
    return fail(ErrorCode::aborted, "rows that were not acknowledged are gone from the spool");
  }
  batch.set_epoch(epoch_.value);
  batch.set_first_seq(next_.value);
  batch.set_chain(rows->back().chain);
  for (SpoolRow& row : *rows) batch.add_facts(std::move(row.bytes));
  return message;
}

}  // namespace tocsin::agent
