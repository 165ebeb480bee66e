#include "collector/ingest/evidence_stream.hpp"

#include <optional>
#include <utility>
#include <variant>

#include "common/log/log.hpp"
#include "common/rpc/status.hpp"
#include "common/wire/proto.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kStreams = 16;

class Refused final : public EvidenceReactor {
 public:
  explicit Refused(const Error& error) { Finish(rpc::to_grpc(error)); }
  void OnDone() override { delete this; }
};

void put(const std::monostate&, v1::EvidenceDown&) {}
void put(const UploadWanted& wanted, v1::EvidenceDown& down) {
  v1::EvidenceWanted& out = *down.mutable_wanted();
  out.set_window_bytes(kUploadWindow);
  for (const UploadPlace& place : wanted.places) {
    v1::EvidencePlace& one = *out.add_places();
    one.set_item(place.item);
    one.set_offset(place.offset);
  }
}
void put(const UploadProgress& progress, v1::EvidenceDown& down) {
  down.mutable_progress()->set_item(progress.synced.item);
  down.mutable_progress()->set_offset(progress.synced.offset);
}
void put(const UploadKept& kept, v1::EvidenceDown& down) {
  down.mutable_kept()->set_manifest_sha256(kept.manifest);
}
void put(const UploadRefused& refused, v1::EvidenceDown& down) {
  wire::to_proto(refused.reason, *down.mutable_refused()->mutable_reason());
  down.mutable_refused()->set_for_good(refused.for_good);
}

}  // namespace

EvidenceReactor* refused_evidence(const Error& error) { return new Refused(error); }

// One stream. Exactly one thing is under way at a time: a read, the work on what was read, or a
// write; so nothing here needs a lock, and Finish is called once. It owns itself until OnDone.
class EvidenceDoor::Stream final : public EvidenceReactor {
 public:
  Stream(EvidenceDoor& door, const AgentId& agent, std::string public_key_pem, std::string peer)
      : door_(door),
        agent_(agent),
        peer_(std::move(peer)),
        upload_(door.parts_.upload, agent, std::move(public_key_pem)) {
    StartRead(&up_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);  // The agent has gone; it comes back and goes on.
    if (!door_.parts_.post([this] { work(); })) {
      Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too much evidence at once; try later"});
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish({grpc::StatusCode::CANCELLED, "the agent went away"});
    if (upload_.ended()) return Finish(grpc::Status::OK);
    StartRead(&up_);
  }

  void OnDone() override {
    door_.leave(agent_);
    delete this;
  }

 private:
  void work() {
    const auto reply = take();
    if (!reply) {
      log::warning("evidence.upload_failed",
                   {{"agent", agent_.hex}, {"peer", peer_}, {"why", reply.error().message}});
      return Finish(rpc::to_grpc(reply.error()));
    }
    if (std::holds_alternative<std::monostate>(*reply)) return StartRead(&up_);
    down_.Clear();
    std::visit([this](const auto& said) { put(said, down_); }, *reply);
    StartWrite(&down_);
  }

  Result<UploadReply> take() {
    if (!door_.parts_.admitted(agent_)) {
      return fail(ErrorCode::permission_denied, "this agent is not admitted");
    }
    if (up_.has_offer()) {
      v1::EvidenceOffer& offer = *up_.mutable_offer();
      return upload_.offer({std::move(*offer.mutable_request_id()),
                            std::move(*offer.mutable_manifest()),
                            std::move(*offer.mutable_signature())});
    }
    if (up_.has_chunk()) {
      const v1::EvidenceChunk& chunk = up_.chunk();
      return upload_.chunk({chunk.item(), chunk.offset()}, chunk.data());
    }
    return fail(ErrorCode::invalid_argument, "evidence upload: an empty message");
  }

  EvidenceDoor& door_;
  const AgentId agent_;
  const std::string peer_;
  EvidenceUpload upload_;
  v1::EvidenceUp up_;
  v1::EvidenceDown down_;
};

EvidenceReactor* EvidenceDoor::open(const AgentId& agent, std::string public_key_pem,
                                    std::string peer) {
  if (!parts_.admitted(agent)) {
    return refused_evidence({ErrorCode::permission_denied, "this agent is not admitted"});
  }
  if (!enter(agent)) {
    return refused_evidence(
        {ErrorCode::resource_exhausted, "too many evidence streams at once; try later"});
  }
  return new Stream(*this, agent, std::move(public_key_pem), std::move(peer));
}

std::size_t EvidenceDoor::streams() const {
  const std::lock_guard lock(mutex_);
  return inside_.size();
}

bool EvidenceDoor::enter(const AgentId& agent) {
  const std::lock_guard lock(mutex_);
  return inside_.size() < kStreams && inside_.insert(agent).second;
}

void EvidenceDoor::leave(const AgentId& agent) {
  const std::lock_guard lock(mutex_);
  inside_.erase(agent);
}

}  // namespace tocsin::collector
