#include "collector/ingest/service.hpp"

#include <deque>
#include <mutex>
#include <utility>

#include "tocsin/v1/agent.grpc.pb.h"
#include <google/protobuf/arena.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "collector/ingest/evidence_stream.hpp"
#include "collector/ingest/inbox.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/signature.hpp"
#include "common/log/log.hpp"
#include "common/rpc/peer.hpp"
#include "common/rpc/status.hpp"

namespace tocsin::collector {
namespace {

using Context = grpc::CallbackServerContext;
// Bytes, not messages: what is no message of ours shall be seen and counted, and gRPC would only
// end the stream.
using SessionReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

constexpr std::size_t kMessagesWaiting = 512;  // that the agent does not take

// Who speaks, by the certificate alone. TLS looked at its dates when the connection began, which
// may be long ago.
Result<crypto::CertificateInfo> agent_certificate(const Context& context, Instant now) {
  const std::string pem = rpc::peer_certificate(context);
  if (pem.empty()) return fail(ErrorCode::unauthenticated, "a client certificate is required");
  Result<crypto::CertificateInfo> certificate = crypto::read_certificate(pem);
  if (!certificate) return fail(ErrorCode::permission_denied, certificate.error().message);
  if (certificate->identity.kind != crypto::Identity::Kind::agent) {
    return fail(ErrorCode::permission_denied, "this certificate is not an agent's");
  }
  if (now < certificate->not_before || now >= certificate->not_after) {
    return fail(ErrorCode::permission_denied, "this certificate is not valid now");
  }
  return certificate;
}

Incoming read_bytes(const AgentId& agent, grpc::ByteBuffer& bytes) {
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
  if (!grpc::SerializationTraits<v1::AgentMessage>::Deserialize(&bytes, message).ok()) {
    return Violation{"a message that cannot be read", true};
  }
  return read_message(agent, *message);
}

grpc::ByteBuffer bytes_of(const v1::CollectorMessage& message) {
  grpc::ByteBuffer bytes;
  bool own = false;
  TOCSIN_CHECK(
      grpc::SerializationTraits<v1::CollectorMessage>::Serialize(message, &bytes, &own).ok());
  return bytes;
}

// A stream that is not let in.
class RefusedStream final : public SessionReactor {
 public:
  explicit RefusedStream(const Error& error) { Finish(rpc::to_grpc(error)); }
  void OnDone() override { delete this; }
};

// One stream. The hub's thread asks, gRPC's threads report; what both touch is under the mutex. It
// owns itself until gRPC is done with it.
class AgentSession final : public SessionReactor, public AgentStream {
 public:
  AgentSession(Hub& hub, Context& context, const crypto::CertificateInfo& certificate)
      : hub_(hub),
        context_(context),
        agent_(certificate.identity.agent),
        valid_until_(certificate.not_after),
        peer_(rpc::peer_address(context)) {}

  void begin(std::shared_ptr<AgentSession> self) {
    self_ = std::move(self);
    hub_.opened(self_);
  }

  void read() override {
    const std::lock_guard lock(mutex_);
    if (inbox_.empty()) {
      wanted_ = true;
    } else {
      hub_.received(self_, inbox_.take());
    }
    read_ahead();
  }

  void send(v1::CollectorMessage message) override {
    const std::lock_guard lock(mutex_);
    if (finish_with_ || broken_) return;
    if (waiting_.size() > 1 && waiting_.back().has_ack() && message.has_ack()) {
      waiting_.back() = std::move(message);  // The later one says all.
      return;
    }
    if (waiting_.size() >= kMessagesWaiting) {
      log::warning("ingest.agent_does_not_read", {{"agent", agent_.hex}, {"peer", peer_}});
      broken_ = true;
      context_.TryCancel();
      return;
    }
    waiting_.push_back(std::move(message));
    if (waiting_.size() == 1) write();
  }

  void finish(std::optional<Error> error) override {
    const std::lock_guard lock(mutex_);
    finish_with_ = error ? rpc::to_grpc(*error) : grpc::Status::OK;
    if (waiting_.empty()) Finish(*finish_with_);
  }

  void abort() override {
    const std::lock_guard lock(mutex_);
    if (!done_) context_.TryCancel();
  }

  const AgentId& agent() const override { return agent_; }
  Instant valid_until() const override { return valid_until_; }
  const std::string& peer() const override { return peer_; }

  void OnReadDone(bool ok) override {
    if (!ok) return hub_.closed(self_);
    Incoming message = read_bytes(agent_, incoming_);
    incoming_.Clear();
    const std::lock_guard lock(mutex_);
    reading_ = false;
    inbox_.put(std::move(message));
    if (std::exchange(wanted_, false)) hub_.received(self_, inbox_.take());
    read_ahead();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    waiting_.pop_front();
    if (!ok) {
      broken_ = true;
      waiting_.clear();
    }
    if (!waiting_.empty()) {
      write();
    } else if (finish_with_) {
      Finish(*finish_with_);
    }
  }

  void OnCancel() override { hub_.closed(self_); }

  void OnDone() override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    const std::shared_ptr<AgentSession> self = std::move(self_);
    hub_.gone(self);
  }

 private:
  // Both with mutex_.
  void read_ahead() {
    if (reading_ || finish_with_ || !inbox_.has_room()) return;
    reading_ = true;
    StartRead(&incoming_);
  }
  void write() {
    outgoing_ = bytes_of(waiting_.front());
    StartWrite(&outgoing_);
  }

  Hub& hub_;
  Context& context_;  // until OnDone
  const AgentId agent_;
  const Instant valid_until_;
  const std::string peer_;
  std::shared_ptr<AgentSession> self_;
  grpc::ByteBuffer incoming_;  // while reading_
  grpc::ByteBuffer outgoing_;  // while there is one waiting

  std::mutex mutex_;
  Inbox inbox_;
  bool reading_ = false;
  bool wanted_ = false;                       // the hub asked, and nothing was there
  std::deque<v1::CollectorMessage> waiting_;  // the first is being written
  std::optional<grpc::Status> finish_with_;
  bool broken_ = false;
  bool done_ = false;
};

using AgentLinkBase =
    v1::AgentLink::WithRawCallbackMethod_Session<v1::AgentLink::WithCallbackMethod_UploadEvidence<
        v1::AgentLink::WithCallbackMethod_Renew<v1::AgentLink::Service>>>;

class AgentLinkService final : public AgentLinkBase {
 public:
  AgentLinkService(Hub& hub, RenewCertificate renew, const time::TimeSource& time,
                   std::function<void(const crypto::CertificateInfo&)> seen, EvidenceDoor* evidence)
      : hub_(hub),
        renew_(std::move(renew)),
        time_(time),
        seen_(std::move(seen)),
        evidence_(evidence) {}

  SessionReactor* Session(Context* context) override {
    const Result<crypto::CertificateInfo> certificate = agent_certificate(*context, time_.wall());
    if (!certificate) {
      log::warning("ingest.stranger",
                   {{"peer", rpc::peer_address(*context)}, {"error", certificate.error().message}});
      return new RefusedStream(certificate.error());
    }
    if (seen_) seen_(*certificate);
    auto session = std::make_shared<AgentSession>(hub_, *context, *certificate);
    session->begin(session);
    return session.get();
  }

  grpc::ServerUnaryReactor* Renew(Context* context, const v1::RenewRequest* request,
                                  v1::CertificateReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const Status renewed = renew(*context, *request, *reply);
    reactor->Finish(renewed ? grpc::Status::OK : rpc::to_grpc(renewed.error()));
    return reactor;
  }

  EvidenceReactor* UploadEvidence(Context* context) override {
    const auto certificate = agent_certificate(*context, time_.wall());
    if (!certificate) return refused_evidence(certificate.error());
    if (evidence_ == nullptr) {
      return refused_evidence({ErrorCode::failed_precondition, "this collector keeps no evidence"});
    }
    auto key = crypto::public_key_of_certificate(rpc::peer_certificate(*context));
    if (!key) return refused_evidence(key.error());
    return evidence_->open(certificate->identity.agent, std::move(*key),
                           rpc::peer_address(*context));
  }

 private:
  Status renew(const Context& context, const v1::RenewRequest& request,
               v1::CertificateReply& reply) {
    const Result<crypto::CertificateInfo> certificate = agent_certificate(context, time_.wall());
    if (!certificate) return fail(certificate.error());
    const AgentId& agent = certificate->identity.agent;
    const Result<RenewedCertificate> fresh = renew_(agent, request.signing_request());
    if (!fresh) {
      log::warning("ingest.renewal_refused",
                   {{"agent", agent.hex}, {"error", fresh.error().message}});
      return fail(fresh.error());
    }
    log::info("ingest.renewed", {{"agent", agent.hex}});
    reply.set_certificate(fresh->certificate_pem);
    reply.set_authorities(fresh->authorities_pem);
    reply.set_agent_id(agent.hex);
    reply.set_not_after_ns(fresh->not_after.ns);
    return {};
  }

  Hub& hub_;
  const RenewCertificate renew_;
  const time::TimeSource& time_;
  const std::function<void(const crypto::CertificateInfo&)> seen_;
  EvidenceDoor* const evidence_;
};

}  // namespace

std::shared_ptr<grpc::Service> make_agent_link_service(
    Hub& hub, RenewCertificate renew, const time::TimeSource& time,
    std::function<void(const crypto::CertificateInfo&)> seen, EvidenceDoor* evidence) {
  return std::make_shared<AgentLinkService>(hub, std::move(renew), time, std::move(seen), evidence);
}

}  // namespace tocsin::collector
