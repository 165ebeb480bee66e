// The heart: one thread that folds the journal into the state.
//
//   read entries ─► core::Fold (stage 1: facts to findings; stage 2: incidents, grades, timers,
//   notifications) ─► commit entries' decisions and the cursor together ─► publish ─► effects
//
// Nothing outside this thread changes the state; memory is published only after the commit. Timers
// due at or before an entry's time fire before it; when caught up and one is due, a tick is
// appended.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/core/effects.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/journal.hpp"
#include "collector/ports/state.hpp"
#include "common/model/baseline.hpp"
#include "common/model/journal.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// What other threads may know of the judge without a query.
struct Progress {
  Position judged;
  Instant at;
  std::uint64_t unknown_entries = 0;
  std::uint64_t unknown_facts = 0;    // kept, of a kind that is not known here or not to be read
  std::uint64_t reports_refused = 0;  // observations that claimed to be the collector's own
  // Facts that agents no longer have and that never came, in all, and when such a range was found
  // last: the journal was put back from an older copy, or a spool was tampered with.
  struct Missing {
    std::uint64_t facts = 0;
    Instant found;
  };
  std::optional<Missing> missing{};
};

// Since the start.
struct JudgeCounters {
  std::uint64_t batches = 0;          // each one commit of the state
  std::uint64_t entries = 0;          // judged
  std::uint64_t read_again = 0;       // of them: from the journal, because the queue was full
  std::uint64_t waiting_entries = 0;  // handed over and not judged yet
  std::uint64_t turns = 0;            // of its thread, which goes round every ten seconds at least
};

class Judge {
 public:
  struct Hooks {
    std::function<void(const AgentRequest&)> request;  // to the link
    std::function<void(const model::Request&)> look;   // by the collector itself; must not block
    std::function<void(const AgentId&)> revoked;       // end its stream now
    std::function<void()> outbox_changed;              // wake the worker
    std::function<void(const AgentId&)> admitted;      // new: silent unless it comes in time
  };
  // Loads the state and folds the journal's tail. Errors: data_loss, failed_precondition (a newer
  // schema, or a state that does not belong to the journal), internal. All references must outlive
  // the judge.
  static Result<std::unique_ptr<Judge>> start(JournalReader& journal, StateStore& state,
                                              Intake& intake, Hooks hooks);
  virtual ~Judge() = default;  // stops the thread; what is judged is committed

  // The writer's hand-off, on its thread, in journal order. Entries that do not fit the bounded
  // queue are read from the journal later.
  virtual void committed(std::vector<CommittedRun> runs) = 0;
  virtual Progress progress() const = 0;       // thread-safe
  virtual JudgeCounters counters() const = 0;  // thread-safe
  // What the core has counted since the journal began, by name: what was over a limit, not asked
  // for, not known. Thread-safe.
  virtual std::map<std::string, std::uint64_t> counts() const = 0;
  // Waits until `position` is judged and durable; false at the timeout. Thread-safe.
  virtual bool wait_for(Position position, std::chrono::milliseconds timeout) = 0;
  // The policy in force; never null (an empty site before the first). Thread-safe.
  virtual std::shared_ptr<const model::SitePolicy> policy() const = 0;
  // What is approved for a host of this name, for the link: nullptr where nothing is. The same
  // object until something else is approved. Thread-safe.
  virtual std::shared_ptr<const model::ApprovedBaseline> approved_baseline(
      const std::string& host) const = 0;
  // Grows whenever approved_baseline() may say something else than before. Thread-safe.
  virtual std::uint64_t baselines_revision() const = 0;
  // An agent's name and whether it is admitted and not revoked; for the link. Thread-safe.
  struct Admission {
    bool known = false;
    bool revoked = false;
    std::string host_name;
  };
  virtual Admission admission(const AgentId& agent) const = 0;
  // When the operator was revoked last: what was issued until then opens nothing. Thread-safe.
  virtual std::optional<Instant> operator_revoked(std::string_view name) const = 0;
  // Set when the judge cannot go on (store damaged); the process should stop.
  virtual std::optional<Error> failure() const = 0;
};

}  // namespace tocsin::collector
