// What the hub knows and does, one declaration for its parts: sessions (hub_sessions.cpp), facts
// (hub_facts.cpp), restored spools (hub_history.cpp), results that are missing (hub_results.cpp),
// presence and time (hub_presence.cpp), what goes down (hub_down.cpp). Internal to
// collector/ingest; everything but post() and counters() is on the hub's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/ingest/hub.hpp"
#include "collector/ingest/presence.hpp"

namespace tocsin::collector {

class Hub::Impl : public std::enable_shared_from_this<Hub::Impl> {
 public:
  Impl(IngestParts parts, const std::vector<SpoolCursor>& cursors,
       const std::vector<KnownAgent>& known, const IngestOptions& options);
  ~Impl();
  void start();
  void step();
  bool stop(Duration limit);
  template <class Act>
  void post(Act act) {
    boost::asio::post(context_, [this, act = std::move(act)]() mutable { act(*this); });
  }
  IngestCounters counters() const {
    const std::lock_guard lock(counters_mutex_);
    return counters_;
  }
  Strangers strangers() const;
  FullSpools full_spools() const;

  // On the hub's thread.
  void opened(std::shared_ptr<AgentStream> stream);
  void received(const std::shared_ptr<AgentStream>& stream, std::vector<Incoming> messages);
  void closed(const std::shared_ptr<AgentStream>& stream);
  void gone(const std::shared_ptr<AgentStream>& stream);
  void send_request(AgentRequest request);
  void revoked(const AgentId& id);
  void admitted(const AgentId& id);

 private:
  // What an old instance sent before it died may still arrive.
  static constexpr Duration kSettle = 300ms;

  struct Session {
    std::shared_ptr<AgentStream> stream;
    MonoTime opened;
    MonoTime last_message;
    std::optional<Greeting> greeting;
    std::string host_name;  // of the admission
    std::string assign_digest;
    std::string baseline_digest;
    Seq taken;          // last accepted here: committed, in flight or pending
    std::string chain;  // of the agent's spool after `taken`, as the agent says
    bool chain_asked = false;
    std::vector<PendingEntry> pending;
    std::size_t pending_bytes = 0;
    bool resumed = false;
    bool reading = false;
    bool resend_asked = false;
    bool finishing = false;
    MonoTime finish_due;
  };
  using SessionPtr = std::shared_ptr<Session>;

  struct WaitingRequest {
    model::Request request;
    MonoTime expires;
  };

  // What is known of a check's result as the heartbeat tells of it.
  struct ResultWatch {
    std::string agreed;  // the digest that was compared last, and need not be again
    std::string asked;   // the one for which the result was asked again, when, and its row then
    MonoTime asked_at;
    Seq asked_seq;
  };

  struct Agent {
    explicit Agent(AgentWatch w) : watch(std::move(w)) {}
    std::map<Epoch, Seq> committed;
    std::map<Epoch, std::string> chains;  // after what is committed
    Position last_entry;                  // of its facts
    std::map<model::CheckRef, ResultWatch> results;
    MonoTime results_compared;
    std::optional<MonoTime> no_checks_since;  // since when its heartbeats name none
    AgentWatch watch;
    SessionPtr live;
    SessionPtr rival;  // another instance; waits until it is clear whether `live` still answers
    MonoTime rival_since;
    bool in_flight = false;  // a submission is not committed yet
    std::deque<WaitingRequest> requests;
  };

  // Sessions.
  void hear(const SessionPtr& session, Incoming message);
  void take(const SessionPtr& session, Greeting greeting);
  void take(const SessionPtr& session, FactRun run);
  void take(const SessionPtr& session, const model::Heartbeat& heartbeat);
  void take(const SessionPtr& session, const Receipt& receipt);
  void take(const SessionPtr& session, const ChainAnswer& answer);
  void take(const SessionPtr& session, SampleRun run);
  void take(const SessionPtr& session, const Violation& violation);
  void take(const SessionPtr& session, UnknownMessage);
  bool may_speak(const SessionPtr& session);
  void note_stranger(const SessionPtr& session);
  void meet(const SessionPtr& session, Agent& agent);
  void admit(const SessionPtr& session, Agent& agent);
  void resume(const SessionPtr& session, Agent& agent);
  bool is_the_same_spool(const SessionPtr& session, Agent& agent);
  void require_new_epoch(const SessionPtr& session, Agent& agent);
  void say_resume(const SessionPtr& session, Agent& agent);
  void answered_while_rival_waits(const SessionPtr& session, Agent& agent);
  void leave(const SessionPtr& session);
  void refuse(const SessionPtr& session, const model::Message& why, bool new_epoch = false);
  void finish(const SessionPtr& session, std::optional<Error> error);

  // Facts.
  void submit(const SessionPtr& session, Agent& agent);
  void committed(const SessionPtr& session, const SpoolCursor& cursor, std::size_t facts,
                 const Result<Committed>& result);
  void read_on(const SessionPtr& session);

  // Results.
  void compare_results(const SessionPtr& session, Agent& agent, const model::Heartbeat& heartbeat);
  void compare_result(const SessionPtr& session, ResultWatch& watch, const model::CheckState& told,
                      const std::string& known);

  // Down.
  void assign(const SessionPtr& session, const model::SitePolicy& policy);
  void send_baseline(const SessionPtr& session);
  void send_waiting(Agent& agent, const SessionPtr& session);

  // Presence.
  Agent& agent_of(const AgentId& id);
  void journal(const AgentId& id, const Session* session,
               const std::optional<AgentWatch::Change>& change);
  void flush_presence();
  void note_spool(const SessionPtr& session, bool full);
  Duration idle(const SessionPtr& session, Agent& agent, const model::Heartbeat& heartbeat);
  bool has_checks(const Session& session) const;

  // Time.
  void look_again_later();
  void look_around();
  void look_at(const AgentId& id, Agent& agent, MonoTime now, Duration silent_after);
  void look_at(const SessionPtr& session, MonoTime now, Instant wall);
  void retry_soon(const SessionPtr& session);
  void retry_refused();
  Duration heartbeat_every() const;

  SessionPtr session_of(const std::shared_ptr<AgentStream>& stream) const;
  void count(std::uint64_t IngestCounters::*counter, std::uint64_t by = 1) {
    const std::lock_guard lock(counters_mutex_);
    counters_.*counter += by;
  }

  IngestParts parts_;
  const IngestOptions options_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      context_.get_executor()};
  boost::asio::steady_timer look_timer_{context_};
  boost::asio::steady_timer retry_timer_{context_};
  std::thread thread_;

  std::map<AgentId, Agent> agents_;
  std::unordered_map<const AgentStream*, SessionPtr> sessions_;
  std::map<AgentId, std::size_t> sessions_of_;  // each agent's part of sessions_
  std::vector<SessionPtr> retry_;               // their submission was refused
  std::deque<model::AgentPresence> presence_;   // not taken by the intake yet, in order
  std::shared_ptr<const model::SitePolicy> policy_;
  std::uint64_t baselines_revision_ = 0;
  bool stopping_ = false;

  mutable std::mutex counters_mutex_;
  IngestCounters counters_;
  std::condition_variable all_gone_;            // with counters_mutex_
  std::map<AgentId, MonoTime> strangers_;       // when each tried last; with counters_mutex_
  std::string last_stranger_;                   // its address; with counters_mutex_
  std::map<AgentId, std::string> full_spools_;  // their hosts; with counters_mutex_
};

}  // namespace tocsin::collector
