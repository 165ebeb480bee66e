#include "agent/link/link.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/link/chance.hpp"
#include "agent/link/evidence_sender.hpp"
#include "agent/link/renewal.hpp"
#include "agent/link/session.hpp"
#include "agent/link/spool_watch.hpp"
#include "common/async/backoff.hpp"
#include "common/async/spawn.hpp"
#include "common/async/wake.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"
#include "common/rpc/completions.hpp"
#include "common/rpc/credentials.hpp"

namespace tocsin::agent {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kInstanceBytes = 16;
constexpr Duration kRenewAgain = 10min;  // after a refusal or no answer

class Link {
 public:
  Link(const LinkConfig& config, Spool& spool, const time::TimeSource& time)
      : config_(config),
        spool_(spool),
        time_(time),
        samples_(config.samples_file),
        instance_(crypto::random_bytes(kInstanceBytes)),
        backoff_(config.retry_first, config.retry_longest),
        pause_(context_.get_executor()),
        certificate_clock_(context_.get_executor()),
        turn_(chance()),
        sender_ended_(context_.get_executor()) {}

  Status run(std::stop_token stop);

 private:
  asio::awaitable<void> connect_until_stopped();
  asio::awaitable<Duration> connect_once();
  asio::awaitable<void> pause_for(Duration left);
  asio::awaitable<bool> renew_if_due(v1::AgentLink::Stub& stub);
  asio::awaitable<void> watch_certificate();
  Duration until_renewal();
  asio::awaitable<void> send_evidence();
  asio::awaitable<void> end_sending();
  Duration after(const SessionEnd& end, const std::string& collector);
  void stop();

  const LinkConfig& config_;
  Spool& spool_;
  const time::TimeSource& time_;
  SampleReader samples_;
  const std::string instance_;
  asio::io_context context_{1};
  rpc::Completions completions_;  // gone before the context that it posts to
  async::Backoff backoff_;
  async::Wake pause_;
  async::Wake certificate_clock_;
  std::size_t turn_;  // of the collectors
  std::unique_ptr<LinkSession> session_;
  std::string collector_;  // of the session
  std::unique_ptr<EvidenceSender> sender_;
  async::Wake sender_ended_;
  MonoTime renew_not_before_;
  bool stopping_ = false;
  std::optional<Error> fatal_;
};

Status Link::run(std::stop_token stop) {
  SpoolWatch watch(context_, config_.spool_file, [this] {
    if (session_) session_->spool_changed();
    if (sender_) sender_->look();
  });
  const std::stop_callback on_stop(stop,
                                   [this] { asio::post(context_, [this] { this->stop(); }); });
  async::spawn(context_.get_executor(), watch_certificate());
  if (!config_.evidence_folder.empty()) {
    sender_ = std::make_unique<EvidenceSender>(context_, completions_, config_, time_, [this] {
      return session_ && session_->established() ? collector_ : std::string();
    });
    async::spawn(context_.get_executor(), send_evidence());
  }
  auto work = asio::make_work_guard(context_);  // gRPC's operations are none of the context's own
  const std::function<void()> ended = [&watch, &work] {
    watch.stop();
    work.reset();
  };
  const auto body = [this, &ended]() -> asio::awaitable<void> {
    co_await connect_until_stopped();
    stopping_ = true;
    co_await end_sending();
    certificate_clock_.notify();
    ended();
  };
  async::spawn(context_.get_executor(), body());
  context_.run();
  if (fatal_) return fail(*fatal_);
  return {};
}

asio::awaitable<void> Link::send_evidence() {
  co_await sender_->run();
  sender_.reset();
  sender_ended_.notify();
}

// gRPC's operations are none of the context's own: it must not end before they have.
asio::awaitable<void> Link::end_sending() {
  if (sender_) sender_->stop();
  while (sender_) co_await sender_ended_.wait_for(1s);
}

void Link::stop() {
  stopping_ = true;
  if (session_) session_->stop();
  pause_.notify();
  certificate_clock_.notify();
}

asio::awaitable<void> Link::connect_until_stopped() {
  while (!stopping_ && !fatal_) {
    const Duration wait = co_await connect_once();
    if (stopping_ || fatal_) co_return;
    if (wait.count() > 0) co_await pause_for(wait);
  }
}

// In slices, each of which asks the clock: the watchdog takes a clock that nobody asks for a
// process that is stuck, and a collector's outage is no reason to be killed.
asio::awaitable<void> Link::pause_for(Duration left) {
  const MonoTime until = time_.steady() + left;
  bool woken = false;
  while (!woken && left.count() > 0) {
    woken = co_await pause_.wait_for(std::min(left, config_.clock_asked_within));
    left = until - time_.steady();
  }
}

// Returns how long to wait before the next try.
asio::awaitable<Duration> Link::connect_once() {
  const std::string collector = config_.collectors[turn_++ % config_.collectors.size()];
  const rpc::TlsFiles files{config_.certificate_file, config_.private_key_file,
                            config_.authorities_file};
  const auto channel = rpc::secure_channel(collector, files, config_.server_name);
  if (!channel) {
    log::error("link.no_certificate", {{"error", channel.error().message}});
    co_return backoff_.next(chance());
  }
  const std::unique_ptr<v1::AgentLink::Stub> stub = v1::AgentLink::NewStub(*channel);
  const bool renewed = co_await renew_if_due(*stub);
  if (renewed) {
    --turn_;
    co_return Duration{};  // With the new certificate, at once.
  }
  collector_ = collector;
  session_ = std::make_unique<LinkSession>(context_, completions_, config_, spool_, samples_, time_,
                                           instance_);
  const SessionEnd end = co_await session_->run(*stub, collector);
  session_.reset();
  co_return after(end, collector);
}

Duration Link::after(const SessionEnd& end, const std::string& collector) {
  if (end.established) {
    backoff_.reset();
    --turn_;  // The same collector first: the others are for when it does not answer.
  }
  if (stopping_) return {};
  log::warning("link.disconnected", {{"collector", collector},
                                     {"code", to_string(end.error.code)},
                                     {"error", end.error.message}});
  if (end.fatal) {
    fatal_ = end.fatal;
    return {};
  }
  if (end.at_once) return Duration(1ms);
  if (end.wait_long) return config_.retry_longest;
  return backoff_.next(chance());
}

// ---- Certificate ----

asio::awaitable<bool> Link::renew_if_due(v1::AgentLink::Stub& stub) {
  if (until_renewal() > Duration{}) co_return false;
  renew_not_before_ = time_.steady() + kRenewAgain;
  const Status renewed =
      co_await renew(completions_, context_.get_executor(), stub, config_, time_);
  if (!renewed) {
    log::warning("link.renewal_failed",
                 {{"code", to_string(renewed.error().code)}, {"error", renewed.error().message}});
    co_return false;
  }
  log::info("link.certificate_renewed");
  co_return true;
}

// Zero or less: renew now. A certificate that cannot be read is nothing to renew.
Duration Link::until_renewal() {
  const Result<crypto::CertificateInfo> certificate = own_certificate(config_);
  if (!certificate) {
    log::error("link.no_certificate", {{"error", certificate.error().message}});
    return config_.look_at_certificate;
  }
  const Instant now = time_.wall();
  if (certificate->not_after <= now) {
    log::error("link.certificate_expired", {{"what_to_do", "enrol this agent again"}});
    return config_.look_at_certificate;
  }
  return std::max(renewal_due(*certificate) - now, renew_not_before_ - time_.steady());
}

// A session that lasts is ended when the certificate must be renewed; the next one does it first.
asio::awaitable<void> Link::watch_certificate() {
  while (!stopping_) {
    const Duration wait = std::min(std::max(until_renewal(), Duration(1s)),  //
                                   config_.look_at_certificate);
    co_await certificate_clock_.wait_for(wait);
    if (!stopping_ && session_ && until_renewal() <= Duration{}) session_->renew();
  }
}

}  // namespace

Status run_link(const LinkConfig& config, Spool& spool, const time::TimeSource& time,
                std::stop_token stop) {
  if (config.collectors.empty()) {
    return fail(ErrorCode::invalid_argument, "no collector is configured");
  }
  Link link(config, spool, time);
  return link.run(std::move(stop));
}

}  // namespace tocsin::agent
