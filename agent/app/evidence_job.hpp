// Evidence that the collector asked for: collected on a thread of its own, so that no check waits
// for it and it waits for no check. One at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/app/observer_config.hpp"
#include "agent/evidence/outbox.hpp"
#include "common/base/instant.hpp"
#include "common/model/fact.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Longer than this a collection is cut short; what was taken until then is kept and says so.
inline constexpr Duration kLongestCollection = 10min;

class EvidenceJob {
 public:
  // `post` runs work on the caller's loop, from any thread, as long as that loop is there. The
  // clock must live as long as the process: a read that never returns keeps its thread.
  EvidenceJob(const ObserverConfig& config, const time::TimeSource& time, std::string boot_id,
              std::function<void(std::function<void()>)> post);
  ~EvidenceJob();  // asks a running collection to end
  EvidenceJob(const EvidenceJob&) = delete;
  EvidenceJob& operator=(const EvidenceJob&) = delete;

  using Done = std::function<void(model::RequestOutcome, model::Message)>;
  // Begins, and calls `done` on the loop; or says why not. The collection is then in the outbox.
  std::optional<model::Message> begin(const std::string& request_id,
                                      const model::TakeEvidence& asked, Done done);
  // To be called now and then: ends what takes too long.
  void look(MonoTime now);

 private:
  struct Run;

  const ObserverConfig& config_;
  const time::TimeSource& time_;
  const std::string boot_id_;
  const std::function<void(std::function<void()>)> post_;
  const EvidenceOutbox outbox_;
  bool prepared_ = false;
  std::shared_ptr<Run> run_;  // while it runs
};

}  // namespace tocsin::agent
