// One of the host's checks, or one run that a request asked for, as the observer keeps it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/actions/restart.hpp"
#include "agent/checks/check.hpp"
#include "agent/spool/spool.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// A request that waits for a run of one of the host's own checks.
struct Asker {
  std::string request_id;
  MonoTime expires;          // the run must have begun by then
  bool of_the_next = false;  // the one that runs now was begun without what is asked for
};

struct Job {
  enum class State : std::uint8_t { waiting, queued, running, stuck };

  model::CheckDefinition check;
  std::shared_ptr<CheckContext> context;
  State state = State::waiting;
  MonoTime due;
  Duration cost{};  // of the last run: how long it had a processor
  CheckRow row;     // as the spool has it, or will
  // What the spool refused of the last run: its digest, and why. Nothing: all was taken.
  std::optional<std::pair<std::string, Error>> refused;
  bool must_send = false;  // whatever the digest: the first run of this boot, or it is wanted again
  std::optional<MonoTime> hurried;  // when it last ran early because it was wanted again
  bool row_pending = false;
  bool removed = false;
  // Assigned, and not allowed by the host's own file: its runs look at nothing and say this.
  std::optional<model::Message> not_allowed;
  std::string request_id;  // empty: one of the host's checks
  // Of one of the host's checks: who has the result of its next run, at most as many as the spool
  // lets wait.
  std::vector<Asker> askers;
  MonoTime expires;  // of a request that waits: not to be begun from then on
  // Of a restart: what came of it. The run's own until it is done.
  std::shared_ptr<RestartOutcome> restart;
  bool at_once = false;  // an event or a request asked for this run: it waits for no other check
  bool again = false;    // another event came while it ran
  std::optional<MonoTime>
      look_by;            // while it ran events came too fast for looks of their own: one by then
  MonoTime events_since;  // the second that `events` counts
  int events = 0;         // that brought a look

  bool asked() const { return !request_id.empty(); }
};
using JobPointer = std::shared_ptr<Job>;

// Something happened to what the job looks at: a look that begins from now on is due, at once, or,
// where too many events brought one, when their second has passed. Pure, like the next one.
void take_event(Job& job, MonoTime now);
// A request wants this check of the host's own run now, with these ports where it names any. What
// it runs with is the check's own memory, so that what needs history is judged as ever. One that is
// queued already is still to be moved up (Turns::move_up()). REQUIRES: it is not stuck.
void take_asker(Job& job, Asker asker, const std::string& ports, MonoTime now);
// A run ended: those that it answers, who wait no more.
std::vector<Asker> answered(Job& job);
// A run ended whose result nobody has: the next one answers them all.
void leave_to_next(Job& job);
// Those whose time passed before a run began.
std::vector<Asker> expired(Job& job, MonoTime now);

// A run is done. `next`: when the interval wants the next one.
void plan_after_run(Job& job, MonoTime next, MonoTime now);

}  // namespace tocsin::agent
