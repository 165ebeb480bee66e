// Takes in what all agents send: who may speak, which facts take effect, and who has fallen silent.
//
// One thread decides; streams decode on gRPC's threads and the journal's writer commits on its own.
// For each (agent, epoch) only last + 1 is taken in, one submission at a time, and acknowledged
// after its commit: a failed commit can leave no hole. A stream is not read on, but for a small
// bounded inbox, until what it sent was accepted by the intake, so a slow disk fills the agents'
// spools, not this process.
//
// An agent has one live session. The same instance coming again replaces it. Another instance waits
// until it is clear whether the old one still answers: if it does, a copied host or key is
// suspected, journaled, and the newer is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tocsin/v1/agent.pb.h"

#include "collector/engine/judge.hpp"
#include "collector/ingest/incoming.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/journal.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/model/incident.hpp"
#include "common/model/policy.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

// One agent's connection as the hub uses it; all members are called on the hub's thread.
class AgentStream {
 public:
  virtual ~AgentStream() = default;
  // What came since, or comes next, is given to Hub::received, once; or Hub::closed is called.
  virtual void read() = 0;
  virtual void send(v1::CollectorMessage message) = 0;
  // After what was sent. Nothing: as agreed. Called once, and nothing but abort() after it.
  virtual void finish(std::optional<Error> error) = 0;
  virtual void abort() = 0;                     // now, whatever is under way
  virtual const AgentId& agent() const = 0;     // of its certificate
  virtual Instant valid_until() const = 0;      // its certificate
  virtual const std::string& peer() const = 0;  // address, for the log
};

// Of which results of a host's checks the state speaks, by their digests.
struct JudgedResults {
  Position as_of;
  std::map<model::CheckRef, std::string>
      digests;             // wire::significant_digest; of checks that it has
  std::size_t checks = 0;  // that the host has
};

// The digests of these checks' results in a host's state, for JudgedResults. Pure.
std::map<model::CheckRef, std::string> result_digests(const model::Host& host,
                                                      const std::vector<model::CheckRef>& checks);

struct IngestParts {
  Intake& intake;
  std::function<Judge::Admission(const AgentId&)> admission;
  std::function<std::shared_ptr<const model::SitePolicy>()> policy;
  const time::TimeSource& time;
  // Called on the hub's thread, when a heartbeat tells of a result that was not compared yet, or
  // for long of no check at all.
  // Nothing where it is not known now; without the function nothing is ever asked for again.
  std::function<std::optional<JudgedResults>(const AgentId&, const std::vector<model::CheckRef>&)>
      results = {};
  // Judge::approved_baseline() and baselines_revision(); empty: no host is given a baseline.
  std::function<std::shared_ptr<const model::ApprovedBaseline>(const std::string& host)> baseline{};
  std::function<std::uint64_t()> baselines_revision{};
  // Takes points of an agent's curves; called on the hub's thread, and must not wait.
  std::function<void(const AgentId&, std::vector<series::Sample>)> samples = {};
};

struct KnownAgent {
  AgentId agent;
  model::Presence presence = model::Presence::heard;  // as journaled last
};

struct IngestOptions {
  std::size_t sessions = 20'000;
  std::size_t sessions_per_agent = 4;  // one lives; others replace it, or are about to end
  std::uint32_t window = 4096;         // facts in flight of one agent
  Duration hello_within = 10s;
  Duration longest_heartbeat = 5s;     // shorter where the policy calls an agent silent sooner
  Duration run_noted_within = 5s;      // an agent tells of a run that saw nothing new this late
  Duration first_look_within = 10min;  // the longest that an agent lets a check take
  // Another instance waits this long, two heartbeats at most, for the old one to answer: less than
  // an agent waits for its Resume.
  Duration longest_rival_wait = 10s;
  Duration intake_retry = 25ms;  // when the intake is full
  Duration look_every = 250ms;   // at silence, expiry and policy
  Duration finish_within = 3s;   // then the stream is aborted
  std::size_t requests_per_agent = 64;
  std::size_t presence_waiting = 65'536;  // changes of presence that the intake did not take yet
  Duration result_again_after = 1min;     // a check's result is not asked for more often than this
  Duration compare_results_every = 1s;    // of one agent
  Duration stranger_forgotten = 5min;     // it tries every minute
  bool own_thread = true;                 // false: nothing happens but in step(); for tests
};

struct IngestCounters {
  std::uint64_t sessions = 0;    // open now
  std::uint64_t facts = 0;       // committed
  std::uint64_t duplicates = 0;  // received again; no effect
  std::uint64_t unreadable = 0;  // messages that are no message of ours
  std::uint64_t gaps = 0;        // asked to send again
  std::uint64_t ranges_lost = 0;
  std::uint64_t new_epochs = 0;  // demanded
  std::uint64_t replaced = 0;    // sessions, by the same instance
  std::uint64_t clones = 0;      // refused
  std::uint64_t refused = 0;     // unknown or revoked agents, or too many sessions of one
  std::uint64_t violations = 0;  // of the protocol
  std::uint64_t unknown_messages = 0;
  std::uint64_t heartbeats = 0;
  std::uint64_t samples = 0;      // points of curves
  std::uint64_t intake_full = 0;  // submissions to try again
  std::uint64_t failed_commits = 0;
  std::uint64_t requests_dropped = 0;  // expired or over the limit before the agent took them
  std::uint64_t results_missing = 0;  // checks whose result was not the one known here: asked again
  std::uint64_t results_differ = 0;   // and was not either when it had come again
  std::uint64_t presence_dropped = 0;  // changes of presence that the intake did not take for long
};

class Hub {
 public:
  // `cursors`: JournalWriter::spool_cursors(). `known`: admitted and not revoked agents; those last
  // heard become silent unless they come back in time. What `parts` names must outlive the hub.
  Hub(IngestParts parts, const std::vector<SpoolCursor>& cursors,
      const std::vector<KnownAgent>& known, const IngestOptions& options = {});
  ~Hub();  // stop()
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Thread-safe, as all that follows.
  void opened(std::shared_ptr<AgentStream> stream);
  void received(std::shared_ptr<AgentStream> stream, std::vector<Incoming> messages);
  // No more can be read: the agent ended, or the connection broke.
  void closed(std::shared_ptr<AgentStream> stream);
  // The transport is done with it.
  void gone(std::shared_ptr<AgentStream> stream);

  // Judge::Hooks. A request waits for its agent until it expires, and is sent again after a
  // reconnect until the agent has confirmed that it is in its spool.
  void send_request(AgentRequest request);
  void revoked(const AgentId& agent);
  // Becomes silent, as a known agent does, unless it comes in time.
  void admitted(const AgentId& agent);

  IngestCounters counters() const;

  // Agents that show a certificate of ours and are not known here, as after the journal was put
  // back from a copy that is older than their enrolment. Each is forgotten `stranger_forgotten`
  // after its last try; kMostStrangers are told apart.
  struct Strangers {
    std::size_t count = 0;
    std::string peer;  // of the one that tried last
  };
  Strangers strangers() const;
  // Connected agents whose heartbeat says that they cannot keep what they see.
  struct FullSpools {
    std::size_t count = 0;
    std::string host;  // one of them
  };
  FullSpools full_spools() const;
  static constexpr std::size_t kMostStrangers = 256;

  // What the thread does when it wakes: all that was called, then what time brings (refused
  // submissions again, a look around), whatever the clock says. For a hub without its thread.
  void step();

  // Refuses new sessions, ends all and waits until they are gone, at most `limit`. The thread goes
  // on for streams that still call in, until the hub is destroyed. True: all were gone in time.
  bool stop(Duration limit = 5s);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::collector
