#include "agent/link/evidence_sender.hpp"

#include <algorithm>
#include <utility>

#include "agent/link/chance.hpp"
#include "common/async/spawn.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/rpc/credentials.hpp"

namespace tocsin::agent {

namespace asio = boost::asio;

namespace {

constexpr Duration kLookEvery = 5s;
constexpr Duration kLookForCollector = 500ms;  // while something waits for one
constexpr Duration kAgainAfterRefusal = 5min;
constexpr Duration kSilence = 60s;  // of a collector that should say something
constexpr std::size_t kChunk = 128 << 10;
constexpr std::uint64_t kLeastWindow = kChunk;

}  // namespace

EvidenceSender::EvidenceSender(asio::io_context& context, rpc::Completions& completions,
                               const LinkConfig& config, const time::TimeSource& time,
                               std::function<std::string()> collector)
    : context_(context),
      completions_(completions),
      config_(config),
      time_(time),
      collector_(std::move(collector)),
      outbox_(config.evidence_folder),
      idle_(context.get_executor()),
      turns_({config.retry_first, config.retry_longest, kAgainAfterRefusal}),
      backoff_(config.retry_first, config.retry_longest),
      heard_(context.get_executor()) {}

void EvidenceSender::look() { idle_.notify(); }

void EvidenceSender::stop() {
  stopping_ = true;
  if (stream_) stream_->cancel();
  idle_.notify();
  heard_.notify();
}

asio::awaitable<void> EvidenceSender::run() {
  while (!stopping_) {
    co_await send_next();
    if (!stopping_) co_await idle_.wait_for(pause());
  }
}

// After a break no longer than until the next try.
Duration EvidenceSender::pause() const {
  if (unsent_) return kLookForCollector;
  const MonoTime until = std::max(not_before_, turns_.due().value_or(MonoTime{}));
  const Duration left = until - time_.steady();
  return left > Duration{} ? std::min(left, kLookEvery) : kLookEvery;
}

asio::awaitable<void> EvidenceSender::send_next() {
  while (!stopping_ && time_.steady() >= not_before_) {
    const std::string collector = collector_();
    const std::vector<std::string> ready = outbox_.ready();
    unsent_ = collector.empty() && !ready.empty();
    if (unsent_) co_return;
    const std::optional<std::string> next = turns_.next(ready, time_.steady());
    if (!next) co_return;
    id_ = *next;
    const End end = co_await send(collector);
    after(end);
  }
}

void EvidenceSender::after(End end) {
  if (stopping_) return;
  const MonoTime now = time_.steady();
  // A collector that spoke is there: what broke then may be this one's own.
  const bool spoke = wanted_ || end_;
  if (spoke) backoff_.reset();
  if (!spoke && end == End::broken) not_before_ = now + backoff_.next(chance());
  if (end == End::broken) return turns_.broke(id_, synced_ > 0, now, chance());
  if (end == End::refused_for_now) return turns_.refused(id_, now);
  if (const Status done = settle(end); !done) {
    log::error("link.evidence_not_removed", {{"request", id_}, {"error", done.error().message}});
    turns_.refused(id_, now);
  }
}

Status EvidenceSender::settle(End end) {
  if (end == End::kept) {
    log::info("link.evidence_sent", {{"request", id_}, {"bytes", sent_}});
    return outbox_.remove(id_);
  }
  log::error("link.evidence_set_aside", {{"request", id_}, {"folder", config_.evidence_folder}});
  return outbox_.set_aside(id_);
}

// The manifest that waits in the outbox, or nothing where it is damaged: then it is set aside.
asio::awaitable<EvidenceSender::End> EvidenceSender::send(const std::string& collector) {
  wanted_.reset();
  end_.reset();
  sent_ = synced_ = 0;
  const auto sealed = outbox_.sealed(id_);
  if (!sealed && is_retryable(sealed.error().code)) {
    log::warning("link.evidence_unreadable", {{"request", id_}, {"error", sealed.error().message}});
    co_return End::broken;
  }
  auto manifest = sealed ? evidence::parse_manifest(sealed->manifest)
                         : Result<evidence::Manifest>(fail(sealed.error()));
  if (!manifest) {
    log::error("link.evidence_damaged", {{"request", id_}, {"error", manifest.error().message}});
    co_return End::refused_for_good;
  }
  manifest_ = std::move(*manifest);
  const rpc::TlsFiles files{config_.certificate_file, config_.private_key_file,
                            config_.authorities_file};
  const auto channel = rpc::secure_channel(collector, files, config_.server_name);
  if (!channel) co_return End::broken;
  const auto stub = v1::AgentLink::NewStub(*channel);
  const auto prepare = [&stub](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
    return stub->PrepareAsyncUploadEvidence(context, queue);
  };
  stream_ = std::make_unique<Stream>(completions_, context_.get_executor(), prepare);
  v1::EvidenceUp offer;
  offer.mutable_offer()->set_request_id(id_);
  offer.mutable_offer()->set_manifest(sealed->manifest);
  offer.mutable_offer()->set_signature(sealed->signature);
  const bool offered = co_await stream_->write(offer);
  if (offered) co_await talk();
  stream_->cancel();
  while (listening_) co_await heard_.wait_for(kLookEvery);
  const grpc::Status status = co_await stream_->finish();
  stream_.reset();
  if (end_) co_return *end_;
  log::warning("link.evidence_interrupted",
               {{"request", id_},
                {"synced", synced_},
                {"error", clean_text(status.error_message(), limits::kText)}});
  co_return End::broken;
}

// One coroutine hears, this one sends what is wanted, and waits for the last word.
asio::awaitable<void> EvidenceSender::talk() {
  listening_ = true;
  async::spawn(context_.get_executor(), listen());
  while (listening_ && !wanted_ && !end_ && !stopping_) {
    const bool heard = co_await heard_.wait_for(kSilence);
    if (!heard) co_return;
  }
  if (!wanted_ || end_) co_return;
  const bool sent = co_await send_places();
  if (!sent) co_return;
  while (listening_ && !end_ && !stopping_) {
    const bool heard = co_await heard_.wait_for(kSilence);
    if (!heard) co_return;
  }
}

asio::awaitable<void> EvidenceSender::listen() {
  v1::EvidenceDown down;
  for (;;) {
    const bool got = co_await stream_->read(down);
    if (!got) break;
    take(down);
    heard_.notify();
  }
  listening_ = false;
  heard_.notify();
}

void EvidenceSender::take(const v1::EvidenceDown& down) {
  switch (down.body_case()) {
    case v1::EvidenceDown::kWanted:
      if (!wanted_) wanted_ = down.wanted();
      return;
    case v1::EvidenceDown::kProgress:
      return take_progress(down.progress());
    case v1::EvidenceDown::kKept:
      end_ = End::kept;
      return;
    case v1::EvidenceDown::kRefused:
      log::warning("link.evidence_refused",
                   {{"request", id_},
                    {"reason", clean_text(down.refused().reason().code(), limits::kName)}});
      end_ = down.refused().for_good() ? End::refused_for_good : End::refused_for_now;
      return;
    case v1::EvidenceDown::BODY_NOT_SET:
      return;  // Of a newer collector: not for us.
  }
}

// All places before this one are synced too.
void EvidenceSender::take_progress(const v1::EvidenceProgress& progress) {
  if (!wanted_) return;
  std::uint64_t synced = 0;
  for (const v1::EvidencePlace& place : wanted_->places()) {
    if (place.item() >= manifest_.items.size()) return;
    if (place.item() == progress.item()) {
      synced += progress.offset() - std::min(progress.offset(), place.offset());
      synced_ = std::clamp(synced, synced_, std::max(sent_, synced_));
      return;
    }
    synced += manifest_.items[place.item()].bytes - place.offset();
  }
}

asio::awaitable<bool> EvidenceSender::send_places() {
  for (std::size_t number = 0; number < static_cast<std::size_t>(wanted_->places_size());
       ++number) {
    const bool sent = co_await send_place(number);
    if (!sent) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> EvidenceSender::send_place(std::size_t number) {
  const v1::EvidencePlace place = wanted_->places(static_cast<int>(number));
  if (place.item() >= manifest_.items.size()) co_return false;
  const evidence::Item& item = manifest_.items[place.item()];
  if (item.file.empty() || place.offset() > item.bytes) co_return false;
  const Opened file = outbox_.item(id_, item.file);
  if (file.reason == "failed") co_return false;  // It may be read later.
  if (!file.reason.empty() || file.size != item.bytes) {
    log::error("link.evidence_damaged", {{"request", id_}, {"file", item.file}});
    end_ = End::refused_for_good;
    co_return false;
  }
  v1::EvidenceUp up;
  for (std::uint64_t at = place.offset(); at < item.bytes;) {
    auto piece = os::read_at(file.fd, at, kChunk);
    if (!piece || piece->empty()) co_return false;
    const std::size_t size = piece->size();
    const bool room = co_await wait_for_room(size);
    if (!room) co_return false;
    v1::EvidenceChunk& chunk = *up.mutable_chunk();
    chunk.set_item(place.item());
    chunk.set_offset(at);
    chunk.set_data(std::move(*piece));
    sent_ += size;
    at += size;
    const bool written = co_await stream_->write(up);
    if (!written) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> EvidenceSender::wait_for_room(std::size_t bytes) {
  const std::uint64_t window = std::max<std::uint64_t>(wanted_->window_bytes(), kLeastWindow);
  while (listening_ && !end_ && !stopping_) {
    if (sent_ == synced_ || sent_ - synced_ + bytes <= window) co_return true;
    const bool heard = co_await heard_.wait_for(kSilence);
    if (!heard) co_return false;
  }
  co_return false;
}

}  // namespace tocsin::agent
