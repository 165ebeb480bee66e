// Evidence that the collector asked for: collected on a thread of its own, so that no check waits
// for it and it waits for no check. One at a time; one that hangs is answered and left behind with
// its thread, and the next may begin.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/app/observer_config.hpp"
#include "agent/evidence/collect.hpp"
#include "agent/evidence/outbox.hpp"
#include "common/base/instant.hpp"
#include "common/model/fact.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Longer than this a collection is cut short; what was taken until then is kept and says so.
inline constexpr Duration kLongestCollection = 10min;
// What has not ended so long after that never will: not a source but the disk it writes to hangs.
inline constexpr Duration kLastWords = 1min;
inline constexpr std::size_t kMostHungCollections = 2;  // each a thread; then none is begun

class EvidenceJob {
 public:
  using Collect = std::function<Result<Collected>(const EvidenceOrder&, const EvidencePlace&)>;
  // `post` runs work on the caller's loop, from any thread, as long as that loop is there. The
  // clock must live as long as the process: a read that never returns keeps its thread.
  // `collect`: tests put their own here.
  EvidenceJob(const ObserverConfig& config, const time::TimeSource& time, std::string boot_id,
              std::function<void(std::function<void()>)> post, Collect collect = collect_evidence);
  ~EvidenceJob();  // asks a running collection to end
  EvidenceJob(const EvidenceJob&) = delete;
  EvidenceJob& operator=(const EvidenceJob&) = delete;

  using Done = std::function<void(model::RequestOutcome, model::Message)>;
  // Begins with these logs besides the host's own folders, and calls `done` on the loop, once; or
  // says why not. The collection is then in the outbox. Never waits for a disk.
  std::optional<model::Message> begin(const std::string& request_id,
                                      const model::TakeEvidence& asked,
                                      std::vector<std::string> watched_logs, Done done);
  // To be called now and then: ends what takes too long, and gives up what does not end.
  void look(MonoTime now);

 private:
  struct Run;
  struct Answer;
  static Answer collect(Run& run);
  std::shared_ptr<Run> make_run(const std::string& request_id, const model::TakeEvidence& asked);
  void end(const Run& run, const Answer& answer);

  const ObserverConfig& config_;
  const time::TimeSource& time_;
  const std::string boot_id_;
  const std::function<void(std::function<void()>)> post_;
  const Collect collect_;
  const EvidenceOutbox outbox_;
  bool prepared_ = false;
  std::size_t hung_ = 0;      // given up, and their threads still there
  std::shared_ptr<Run> run_;  // while it runs
};

}  // namespace tocsin::agent
