// Evidence over gRPC: a stream of its own for each collection, read one message at a time, so that
// a slow disk stops the sender and never a fact.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "tocsin/v1/agent.pb.h"
#include <grpcpp/support/server_callback.h>

#include "collector/evidence/upload.hpp"
#include "common/base/ids.hpp"

namespace tocsin::collector {

using EvidenceReactor = grpc::ServerBidiReactor<v1::EvidenceUp, v1::EvidenceDown>;

// Where collections come in. Thread-safe; must outlive its streams and what `post` was given.
class EvidenceDoor {
 public:
  struct Parts {
    UploadParts upload;
    // May this agent speak now? Asked again for every message.
    std::function<bool(const AgentId&)> admitted;
    // Runs what blocks; false: too much is waiting.
    std::function<bool(std::function<void()>)> post;
  };
  explicit EvidenceDoor(Parts parts) : parts_(std::move(parts)) {}

  // The reactor for one call. `public_key_pem` is the agent's.
  EvidenceReactor* open(const AgentId& agent, std::string public_key_pem, std::string peer);

  // Streams that are open now.
  std::size_t streams() const;

 private:
  class Stream;
  bool enter(const AgentId& agent);  // one stream of an agent, and not too many of all
  void leave(const AgentId& agent);

  const Parts parts_;
  mutable std::mutex mutex_;
  std::set<AgentId> inside_;
};

// A stream that is not let in.
EvidenceReactor* refused_evidence(const Error& error);

}  // namespace tocsin::collector
