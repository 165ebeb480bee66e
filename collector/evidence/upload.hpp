// One collection on its way in: the seal first, then every item that is not here yet, from the byte
// that is missing. It says that it has it when all of it is on the disk with the hashes that the
// host signed and the journal says so. Blocks; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/evidence/store.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/evidence/manifest.hpp"
#include "common/model/evidence.hpp"

namespace tocsin::collector {

inline constexpr std::size_t kUploadChunk = 1 << 20;     // largest
inline constexpr std::uint32_t kUploadWindow = 4 << 20;  // in flight
inline constexpr std::uint64_t kUploadSynced = 1 << 20;  // after so much it is synced, and told

// What the rest of the collector knows and does.
struct UploadParts {
  EvidenceStore& store;
  // The record that this agent was asked for under this request, if it was.
  std::function<Result<std::optional<model::Evidence>>(const AgentId&, const std::string& request)>
      record;
  // Bytes of the agent's that records name; what is on its way comes on top.
  std::function<Result<std::uint64_t>(const AgentId&)> agent_bytes;
  // Durable on return.
  std::function<Status(const model::EvidenceEvent&)> journal;
};

struct UploadOffer {
  std::string request_id;
  std::string manifest;
  std::string signature;
};
struct UploadPlace {
  std::uint32_t item = 0;  // in the manifest
  std::uint64_t offset = 0;
  friend bool operator==(const UploadPlace&, const UploadPlace&) = default;
};
struct UploadWanted {
  std::vector<UploadPlace> places;  // in the order in which they must come
};
struct UploadProgress {
  UploadPlace synced;
};
struct UploadKept {
  std::string manifest;  // SHA-256, hex
};
struct UploadRefused {
  model::Message reason;
  bool for_good = false;  // false: it may be offered again later
};
using UploadReply =
    std::variant<std::monostate, UploadWanted, UploadProgress, UploadKept, UploadRefused>;

class EvidenceUpload {
 public:
  // `public_key_pem`: of the certificate that speaks; its id is the agent.
  EvidenceUpload(const UploadParts& parts, AgentId agent, std::string public_key_pem);

  // After UploadKept and UploadRefused nothing more is taken. Errors, after which the stream is to
  // be ended too: invalid_argument (not what was agreed), unavailable and others (of the disk, the
  // journal or the state): it may be offered again.
  Result<UploadReply> offer(const UploadOffer& offer);
  Result<UploadReply> chunk(const UploadPlace& place, std::string_view bytes);

  bool ended() const { return ended_; }

 private:
  Result<UploadReply> refuse(model::Message reason, bool for_good, bool journaled);
  Result<UploadReply> open_places();
  Result<EvidenceStore::Room> room_for(std::uint64_t bytes);
  std::set<std::string_view> hashes() const;  // of items with bytes
  Result<UploadReply> next_item();
  Result<UploadReply> finish_item();
  Result<UploadReply> finish();
  model::EvidenceEvent event(model::CustodyAct act) const;
  const evidence::Item& item() const { return manifest_.items[places_[at_].item]; }

  const UploadParts& parts_;
  const AgentId agent_;
  evidence::Sealed sealed_;
  std::string request_id_;
  std::optional<model::Evidence> record_;
  evidence::Manifest manifest_;
  std::string manifest_sha256_;
  EvidenceStore::Room room_;
  std::vector<UploadPlace> places_;
  std::size_t at_ = 0;  // in places_
  EvidenceStore::Part part_;
  std::uint64_t synced_ = 0;
  bool offered_ = false;
  bool ended_ = false;
};

}  // namespace tocsin::collector
