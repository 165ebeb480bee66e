// One of the host's checks, or one run that a request asked for, as the observer keeps it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/actions/restart.hpp"
#include "agent/checks/check.hpp"
#include "agent/spool/spool.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

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
  std::string request_id;  // empty: one of the host's checks
  MonoTime expires;        // of a request that waits: not to be begun from then on
  // Of a restart: what came of it. The run's own until it is done.
  std::shared_ptr<RestartOutcome> restart;
  bool at_once = false;  // an event asked for this run: it waits for no other check
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
// A run is done. `next`: when the interval wants the next one.
void plan_after_run(Job& job, MonoTime next, MonoTime now);

}  // namespace tocsin::agent
