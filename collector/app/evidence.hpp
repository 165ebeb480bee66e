// Evidence put together: the store, where collections come in, and what operators may ask of it.
#pragma once

#include <cstdint>
#include <memory>

#include "collector/config/collector_config.hpp"
#include "collector/engine/judge.hpp"
#include "collector/evidence/store.hpp"
#include "collector/ingest/evidence_stream.hpp"
#include "collector/operate/evidence_api.hpp"
#include "collector/operate/operator_api.hpp"
#include "collector/operate/workers.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/state.hpp"
#include "common/base/result.hpp"

namespace tocsin::collector {

class EvidenceKeeping {
 public:
  // All references must outlive it. Errors: the folder's.
  static Result<std::unique_ptr<EvidenceKeeping>> open(const CollectorConfig& config,
                                                       StateReader& state, Intake& intake,
                                                       Judge& judge);

  EvidenceDoor& door() { return door_; }
  // REQUIRES: called once, before operators ask.
  EvidenceApi& serve(OperatorApi& operators);
  // Now and then, `now` by the wall: forgets what nobody went on to send. False: too busy now.
  bool tend(Instant now);
  // Takes no more; what is under way is finished. After the servers ended.
  void stop() { workers_.stop(); }

  std::uint64_t bytes() const { return store_->used_bytes(); }
  std::uint64_t streams() const { return door_.streams(); }
  std::uint64_t rejected() const { return workers_.rejected(); }

 private:
  EvidenceKeeping(std::unique_ptr<EvidenceStore> store, StateReader& state, Intake& intake,
                  Judge& judge);

  StateReader& state_;
  Intake& intake_;
  std::unique_ptr<EvidenceStore> store_;
  Workers workers_;
  EvidenceDoor door_;
  std::unique_ptr<EvidenceApi> api_;
};

}  // namespace tocsin::collector
