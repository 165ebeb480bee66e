#include "collector/ingest/hub.hpp"

#include <algorithm>
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
#include <fmt/format.h>

#include "collector/ingest/down.hpp"
#include "collector/ingest/presence.hpp"
#include "collector/ingest/sequence.hpp"
#include "common/base/limits.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kPresenceWaiting = 65'536;  // changes that the intake did not take yet
constexpr Duration kSettle = 300ms;  // what an old instance sent before it died may still arrive

struct Session {
  std::shared_ptr<AgentStream> stream;
  MonoTime opened;
  MonoTime last_message;
  std::optional<Greeting> greeting;
  std::string host_name;  // of the admission
  std::string assign_digest;
  Seq taken;  // last accepted here: committed, in flight or pending
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

struct Agent {
  explicit Agent(AgentWatch w) : watch(std::move(w)) {}
  std::map<Epoch, Seq> committed;
  AgentWatch watch;
  SessionPtr live;
  SessionPtr rival;  // another instance; waits until it is clear whether `live` still answers
  MonoTime rival_since;
  bool in_flight = false;  // a submission is not committed yet
  std::deque<WaitingRequest> requests;
};

// Some check should have run in this time, if the observer lives.
Duration idle_of_checks(const model::Heartbeat& heartbeat, Duration silent_after) {
  if (heartbeat.checks.empty()) return {};
  Duration youngest = heartbeat.checks.front().last_run_age;
  Duration shortest = heartbeat.checks.front().interval;
  for (const model::CheckState& check : heartbeat.checks) {
    youngest = std::min(youngest, check.last_run_age);
    shortest = std::min(shortest, check.interval);
  }
  return youngest > std::max(silent_after, shortest * 3) ? youngest : Duration{};
}

}  // namespace

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
    asio::post(context_, [this, act = std::move(act)]() mutable { act(*this); });
  }
  IngestCounters counters() const {
    const std::lock_guard lock(counters_mutex_);
    return counters_;
  }

  // On the hub's thread.
  void opened(std::shared_ptr<AgentStream> stream);
  void received(const std::shared_ptr<AgentStream>& stream, Incoming message);
  void closed(const std::shared_ptr<AgentStream>& stream);
  void gone(const std::shared_ptr<AgentStream>& stream);
  void send_request(AgentRequest request);
  void revoked(const AgentId& id);
  void admitted(const AgentId& id);

 private:
  // Sessions.
  void take(const SessionPtr& session, Greeting greeting);
  void take(const SessionPtr& session, FactRun run);
  void take(const SessionPtr& session, const model::Heartbeat& heartbeat);
  void take(const SessionPtr& session, const Receipt& receipt);
  void take(const SessionPtr& session, const Violation& violation);
  void take(const SessionPtr& session, UnknownMessage);
  bool may_speak(const SessionPtr& session);
  void meet(const SessionPtr& session, Agent& agent);
  void admit(const SessionPtr& session, Agent& agent);
  void resume(const SessionPtr& session, Agent& agent);
  void say_resume(const SessionPtr& session, Agent& agent);
  void answered_while_rival_waits(const SessionPtr& session, Agent& agent);
  void leave(const SessionPtr& session);
  void refuse(const SessionPtr& session, const model::Message& why, bool new_epoch = false);
  void finish(const SessionPtr& session, std::optional<Error> error);

  // Facts.
  void submit(const SessionPtr& session, Agent& agent);
  void committed(const SessionPtr& session, Epoch epoch, Seq last, std::size_t facts,
                 const Result<Committed>& result);
  void read_on(const SessionPtr& session);

  // Down.
  void assign(const SessionPtr& session, const model::SitePolicy& policy);
  void send_waiting(Agent& agent, const SessionPtr& session);

  // Presence.
  Agent& agent_of(const AgentId& id);
  void journal(const AgentId& id, const Session* session,
               const std::optional<AgentWatch::Change>& change);
  void flush_presence();

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
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::steady_timer look_timer_{context_};
  asio::steady_timer retry_timer_{context_};
  std::thread thread_;

  std::map<AgentId, Agent> agents_;
  std::unordered_map<const AgentStream*, SessionPtr> sessions_;
  std::map<AgentId, std::size_t> sessions_of_;  // each agent's part of sessions_
  std::vector<SessionPtr> retry_;               // their submission was refused
  std::deque<model::AgentPresence> presence_;   // not taken by the intake yet, in order
  std::shared_ptr<const model::SitePolicy> policy_;
  bool stopping_ = false;

  mutable std::mutex counters_mutex_;
  IngestCounters counters_;
  std::condition_variable all_gone_;  // with counters_mutex_
};

// ---- Start and stop ----

Hub::Impl::Impl(IngestParts parts, const std::vector<SpoolCursor>& cursors,
                const std::vector<KnownAgent>& known, const IngestOptions& options)
    : parts_(std::move(parts)), options_(options), policy_(parts_.policy()) {
  const MonoTime now = parts_.time.steady();
  for (const KnownAgent& agent : known) {
    agents_.emplace(agent.agent, Agent(AgentWatch(agent.presence, now)));
  }
  for (const SpoolCursor& cursor : cursors) {
    Seq& last = agent_of(cursor.agent).committed[cursor.epoch];
    last = std::max(last, cursor.last);
  }
}

void Hub::Impl::start() {
  if (!options_.own_thread) return;
  post([](Impl& hub) { hub.look_again_later(); });
  thread_ = std::thread([this] { context_.run(); });
}

void Hub::Impl::step() {
  TOCSIN_CHECK(!options_.own_thread);
  context_.poll();
  retry_refused();
  look_around();
  context_.poll();
}

Hub::Impl::~Impl() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

bool Hub::Impl::stop(Duration limit) {
  post([](Impl& hub) {
    hub.stopping_ = true;
    const auto sessions = hub.sessions_;
    for (const auto& [stream, session] : sessions) {
      hub.finish(session, Error{ErrorCode::unavailable, "the collector is stopping"});
    }
  });
  bool all = false;
  if (!options_.own_thread) context_.poll();
  {
    std::unique_lock lock(counters_mutex_);
    if (!options_.own_thread) limit = {};
    all = all_gone_.wait_for(lock, limit, [this] { return counters_.sessions == 0; });
  }
  if (!all) log::warning("ingest.sessions_left", {{"sessions", counters().sessions}});
  return all;
}

// ---- Sessions ----

SessionPtr Hub::Impl::session_of(const std::shared_ptr<AgentStream>& stream) const {
  const auto found = sessions_.find(stream.get());
  return found == sessions_.end() ? nullptr : found->second;
}

void Hub::Impl::opened(std::shared_ptr<AgentStream> stream) {
  auto session = std::make_shared<Session>();
  session->stream = stream;
  session->opened = parts_.time.steady();
  session->last_message = session->opened;
  sessions_[stream.get()] = session;
  ++sessions_of_[stream->agent()];
  count(&IngestCounters::sessions);
  if (stopping_) {
    finish(session, Error{ErrorCode::unavailable, "the collector is stopping"});
  } else if (sessions_.size() > options_.sessions) {
    finish(session, Error{ErrorCode::resource_exhausted, "too many agents are connected"});
  } else if (may_speak(session)) {  // Strangers hold no session while they say nothing.
    session->reading = true;
    session->stream->read();
  }
}

void Hub::Impl::received(const std::shared_ptr<AgentStream>& stream, Incoming message) {
  const SessionPtr session = session_of(stream);
  if (!session || session->finishing) return;
  session->reading = false;
  session->last_message = parts_.time.steady();
  if (!session->greeting && !std::holds_alternative<Greeting>(message) &&
      !std::holds_alternative<Violation>(message)) {
    message = Violation{"the first message is not Hello"};
  }
  if (session->greeting) {
    Agent& agent = agent_of(stream->agent());
    if (agent.live == session && agent.rival) answered_while_rival_waits(session, agent);
  }
  std::visit([&](auto& said) { take(session, std::move(said)); }, message);
  read_on(session);
}

void Hub::Impl::take(const SessionPtr& session, const Violation& violation) {
  count(&IngestCounters::violations);
  log::warning("ingest.protocol_violation", {{"agent", session->stream->agent().hex},
                                             {"peer", session->stream->peer()},
                                             {"what", violation.what}});
  finish(session, Error{ErrorCode::invalid_argument, violation.what});
}

void Hub::Impl::take(const SessionPtr&, UnknownMessage) {
  count(&IngestCounters::unknown_messages);
}

void Hub::Impl::take(const SessionPtr& session, Greeting greeting) {
  if (session->greeting) return take(session, Violation{"a second Hello"});
  session->greeting = std::move(greeting);
  session->assign_digest = session->greeting->assign_digest;
  if (may_speak(session)) meet(session, agent_of(session->stream->agent()));
}

// Certificates prove the key; admission and revocation are ours.
bool Hub::Impl::may_speak(const SessionPtr& session) {
  const AgentId& id = session->stream->agent();
  const Judge::Admission admission = parts_.admission(id);
  session->host_name = admission.host_name;
  if (!admission.known || admission.revoked) {
    count(&IngestCounters::refused);
    refuse(session, {admission.revoked ? "link.revoked" : "link.unknown", {}});
    return false;
  }
  if (sessions_of_[id] > options_.sessions_per_agent) {
    count(&IngestCounters::refused);
    log::warning("ingest.too_many_sessions",
                 {{"agent", id.hex}, {"peer", session->stream->peer()}});
    finish(session, Error{ErrorCode::resource_exhausted, "this agent has too many sessions"});
    return false;
  }
  return true;
}

void Hub::Impl::meet(const SessionPtr& session, Agent& agent) {
  if (!agent.live) return admit(session, agent);
  if (agent.live->greeting->instance == session->greeting->instance) {
    count(&IngestCounters::replaced);
    const SessionPtr old = agent.live;
    refuse(old, {"link.replaced", {}});
    return admit(session, agent);
  }
  if (agent.rival) refuse(agent.rival, {"link.clone", {}});
  agent.rival = session;
  agent.rival_since = parts_.time.steady();
}

void Hub::Impl::answered_while_rival_waits(const SessionPtr& session, Agent& agent) {
  const MonoTime now = parts_.time.steady();
  if (now - agent.rival_since < kSettle) return;
  const SessionPtr rival = std::exchange(agent.rival, nullptr);
  count(&IngestCounters::clones);
  log::error("ingest.clone_suspected", {{"agent", session->stream->agent().hex},
                                        {"host", session->host_name},
                                        {"answers_at", session->stream->peer()},
                                        {"refused_at", rival->stream->peer()}});
  journal(session->stream->agent(), rival.get(), agent.watch.clone_seen(now));
  refuse(rival, {"link.clone", {}});
}

void Hub::Impl::admit(const SessionPtr& session, Agent& agent) {
  agent.live = session;
  log::info("ingest.connected", {{"agent", session->stream->agent().hex},
                                 {"host", session->host_name},
                                 {"peer", session->stream->peer()},
                                 {"version", session->greeting->agent_version},
                                 {"epoch", session->greeting->epoch.value}});
  if (!agent.in_flight) resume(session, agent);  // Else when it is clear what was committed.
}

void Hub::Impl::resume(const SessionPtr& session, Agent& agent) {
  const Greeting& greeting = *session->greeting;
  const auto known = agent.committed.find(greeting.epoch);
  session->taken = known == agent.committed.end() ? Seq{} : known->second;
  const Resumption how = resume_after(session->taken, greeting.first, greeting.last);
  switch (how.kind) {
    case Resumption::Kind::go_on:
      return say_resume(session, agent);
    case Resumption::Kind::nonsense:
      return take(session, Violation{"Hello with a first number after the last"});
    case Resumption::Kind::behind: {
      const model::Message why{"link.epoch_required", {}};
      count(&IngestCounters::new_epochs);
      journal(session->stream->agent(), session.get(), agent.watch.refused(why));
      return refuse(session, why, true);
    }
    case Resumption::Kind::lost: {
      model::FactRangeLost lost{session->stream->agent(),
                                greeting.epoch,
                                how.lost_from,
                                how.lost_to,
                                {"link.range_missing", {}}};
      count(&IngestCounters::ranges_lost);
      log::warning("ingest.range_lost",
                   {{"agent", lost.agent.hex}, {"from", lost.from.value}, {"to", lost.to.value}});
      session->taken = how.lost_to;
      std::string bytes = wire::encode_journal(lost);
      session->pending.push_back({std::move(bytes), std::move(lost)});
      return submit(session, agent);  // Resume follows its commit.
    }
  }
}

void Hub::Impl::say_resume(const SessionPtr& session, Agent& agent) {
  const Greeting& greeting = *session->greeting;
  session->resumed = true;
  session->stream->send(
      resume_message(greeting.epoch, session->taken, options_.window, heartbeat_every()));
  const std::string description =
      greeting.agent_version + "\n" + greeting.host_name + "\n" + greeting.operating_system;
  journal(session->stream->agent(), session.get(),
          agent.watch.greeted(parts_.time.steady(), description));
  assign(session, *policy_);
  send_waiting(agent, session);
  read_on(session);
}

void Hub::Impl::closed(const std::shared_ptr<AgentStream>& stream) {
  const SessionPtr session = session_of(stream);
  // An agent goes by cancelling, and does not get this. Who gets it has sent what gRPC could not
  // read.
  if (session) {
    finish(session, Error{ErrorCode::invalid_argument, "the stream ended, or held no message"});
  }
}

// The session is no longer its agent's; who waited for that goes on.
void Hub::Impl::leave(const SessionPtr& session) {
  const auto found = agents_.find(session->stream->agent());
  if (found == agents_.end()) return;
  Agent& agent = found->second;
  if (agent.rival == session) agent.rival = nullptr;
  if (agent.live != session) return;
  agent.live = nullptr;
  if (agent.rival) admit(std::exchange(agent.rival, nullptr), agent);
}

void Hub::Impl::refuse(const SessionPtr& session, const model::Message& why, bool new_epoch) {
  if (session->finishing) return;
  log::warning("ingest.refused", {{"agent", session->stream->agent().hex},
                                  {"peer", session->stream->peer()},
                                  {"reason", why.code}});
  session->stream->send(refusal_message(why, new_epoch));
  // The refusal is the answer; with an error status the agent might not get to read it.
  finish(session, std::nullopt);
}

void Hub::Impl::finish(const SessionPtr& session, std::optional<Error> error) {
  if (std::exchange(session->finishing, true)) return;
  session->finish_due = parts_.time.steady() + options_.finish_within;
  session->pending.clear();
  session->stream->finish(std::move(error));
  leave(session);
}

void Hub::Impl::gone(const std::shared_ptr<AgentStream>& stream) {
  const SessionPtr session = session_of(stream);
  if (!session) return;
  leave(session);
  sessions_.erase(stream.get());
  const auto of_agent = sessions_of_.find(stream->agent());
  if (--of_agent->second == 0) sessions_of_.erase(of_agent);
  const std::lock_guard lock(counters_mutex_);
  --counters_.sessions;
  all_gone_.notify_all();
}

// ---- Facts ----

void Hub::Impl::take(const SessionPtr& session, FactRun run) {
  Agent& agent = agent_of(session->stream->agent());
  if (agent.live != session || !session->resumed) {
    return take(session, Violation{"facts before Resume"});
  }
  if (run.epoch != session->greeting->epoch) {
    return take(session, Violation{"facts of another epoch than Hello's"});
  }
  journal(session->stream->agent(), session.get(), agent.watch.heard(parts_.time.steady()));
  const Placement placement = place(session->taken, run.first, run.entries.size());
  if (placement.gap) {
    if (std::exchange(session->resend_asked, true)) return;  // What was under way when we asked.
    count(&IngestCounters::gaps);
    return session->stream->send(resend_message(Seq{session->taken.value + 1}));
  }
  session->resend_asked = false;
  count(&IngestCounters::duplicates, placement.duplicates);
  count(&IngestCounters::unreadable, run.unreadable);
  if (placement.fresh == 0) {
    const Seq last = agent.committed[session->greeting->epoch];
    return session->stream->send(ack_message(session->greeting->epoch, last));
  }
  session->taken.value += placement.fresh;
  const auto first = run.entries.begin() + static_cast<std::ptrdiff_t>(placement.duplicates);
  for (auto entry = first; entry != run.entries.end(); ++entry) {
    session->pending_bytes += entry->bytes.size();
    session->pending.push_back(std::move(*entry));
  }
  submit(session, agent);
}

void Hub::Impl::submit(const SessionPtr& session, Agent& agent) {
  if (agent.in_flight || session->pending.empty()) return;
  const Epoch epoch = session->greeting->epoch;
  const Seq last = session->taken;
  const std::size_t facts = session->pending.size();
  const Status accepted = parts_.intake.submit(
      std::move(session->pending), SpoolCursor{session->stream->agent(), epoch, last},
      [alive = weak_from_this(), session, epoch, last, facts](Result<Committed> result) {
        const std::shared_ptr<Impl> self = alive.lock();
        if (!self) return;
        self->post([session, epoch, last, facts, result = std::move(result)](Impl& hub) {
          hub.committed(session, epoch, last, facts, result);
        });
      });
  if (accepted) {
    agent.in_flight = true;
    session->pending.clear();  // Moved away; else it is all still there, for the next try.
    session->pending_bytes = 0;
    return;
  }
  if (accepted.error().code == ErrorCode::resource_exhausted) {
    count(&IngestCounters::intake_full);
    return retry_soon(session);
  }
  log::error("ingest.not_accepted", {{"error", accepted.error().message}});
  finish(session, Error{ErrorCode::unavailable, "the journal does not accept facts now"});
}

void Hub::Impl::committed(const SessionPtr& session, Epoch epoch, Seq last, std::size_t facts,
                          const Result<Committed>& result) {
  Agent& agent = agent_of(session->stream->agent());
  agent.in_flight = false;
  if (result) {
    agent.committed[epoch] = std::max(agent.committed[epoch], last);
    if (session->resumed) count(&IngestCounters::facts, facts);
  } else {
    count(&IngestCounters::failed_commits);
    log::error("ingest.commit_failed", {{"error", result.error().message}});
    finish(session, Error{ErrorCode::unavailable, "the journal could not commit"});
  }
  const SessionPtr live = agent.live;
  if (!live || live->finishing) return;
  if (!live->resumed) {
    // Either its lost range is committed now, or it came while an older session's facts were.
    if (live->pending.empty()) resume(live, agent);
    return;
  }
  if (live == session) live->stream->send(ack_message(epoch, last));
  submit(live, agent);
  read_on(live);
}

// Reads on while there is room: that is the back-pressure.
void Hub::Impl::read_on(const SessionPtr& session) {
  if (session->finishing || session->reading) return;
  const bool waits_for_answer = session->greeting && !session->resumed;
  const bool full = session->pending.size() >= limits::kBatchFacts ||
                    session->pending_bytes >= limits::kBatchBytes;
  if (full && !waits_for_answer) return;
  session->reading = true;
  session->stream->read();
}

void Hub::Impl::retry_soon(const SessionPtr& session) {
  const bool idle = retry_.empty();
  if (std::find(retry_.begin(), retry_.end(), session) == retry_.end()) retry_.push_back(session);
  if (!idle || !options_.own_thread) return;
  retry_timer_.expires_after(options_.intake_retry);
  retry_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) retry_refused();
  });
}

void Hub::Impl::retry_refused() {
  const std::vector<SessionPtr> again = std::exchange(retry_, {});
  for (const SessionPtr& refused : again) {
    if (refused->finishing) continue;
    submit(refused, agent_of(refused->stream->agent()));
    read_on(refused);
  }
}

// ---- Heartbeats and presence ----

void Hub::Impl::take(const SessionPtr& session, const model::Heartbeat& heartbeat) {
  count(&IngestCounters::heartbeats);
  Agent& agent = agent_of(session->stream->agent());
  if (agent.live != session) return;
  const MonoTime now = parts_.time.steady();
  // After a start of the host the link may be there before the observer: it has the same time.
  const Duration limit = policy_->agent_silent_after;
  const bool settled = now - session->opened > limit;
  const Duration idle = settled ? idle_of_checks(heartbeat, limit) : Duration{};
  const AgentId& id = session->stream->agent();
  journal(id, session.get(), agent.watch.stalled(now, idle));
  if (idle == Duration{}) journal(id, session.get(), agent.watch.heard(now));
}

Agent& Hub::Impl::agent_of(const AgentId& id) {
  const auto found = agents_.find(id);
  if (found != agents_.end()) return found->second;
  return agents_.emplace(id, Agent(AgentWatch(std::nullopt, parts_.time.steady()))).first->second;
}

void Hub::Impl::journal(const AgentId& id, const Session* session,
                        const std::optional<AgentWatch::Change>& change) {
  if (!change) return;
  model::AgentPresence presence;
  presence.agent = id;
  presence.state = change->state;
  presence.since = parts_.intake.journal_now() - change->since;
  presence.detail = change->detail;
  if (session != nullptr && session->greeting) {
    presence.agent_version = session->greeting->agent_version;
    presence.host_name = session->greeting->host_name;
    presence.operating_system = session->greeting->operating_system;
  }
  log::info("ingest.presence", {{"agent", id.hex},
                                {"state", model::to_string(change->state)},
                                {"detail", change->detail.code}});
  if (presence_.size() >= kPresenceWaiting) presence_.pop_front();
  presence_.push_back(std::move(presence));
  flush_presence();
}

void Hub::Impl::flush_presence() {
  while (!presence_.empty()) {
    model::JournalBody body = presence_.front();
    std::vector<PendingEntry> entries;
    entries.push_back({wire::encode_journal(body), std::move(body)});
    const Status accepted =
        parts_.intake.submit(std::move(entries), std::nullopt, [](const Result<Committed>& result) {
          if (!result) log::error("ingest.presence_lost", {{"error", result.error().message}});
        });
    if (!accepted) return;  // Again at the next look.
    presence_.pop_front();
  }
}

// ---- Down ----

void Hub::Impl::assign(const SessionPtr& session, const model::SitePolicy& policy) {
  Assignment assignment = assignment_of(policy, session->host_name);
  if (assignment.digest == session->assign_digest) return;
  session->assign_digest = assignment.digest;
  session->stream->send(std::move(assignment.message));
}

void Hub::Impl::send_request(AgentRequest asked) {
  Agent& agent = agent_of(asked.agent);
  if (agent.requests.size() >= options_.requests_per_agent) {
    count(&IngestCounters::requests_dropped);
    log::warning("ingest.request_dropped", {{"agent", asked.agent.hex}});
    return;
  }
  const MonoTime expires = parts_.time.steady() + asked.request.expires_in;
  agent.requests.push_back({std::move(asked.request), expires});
  if (!agent.live || !agent.live->resumed) return;
  const WaitingRequest& request = agent.requests.back();
  agent.live->stream->send(request_message(request.request, request.request.expires_in));
}

void Hub::Impl::send_waiting(Agent& agent, const SessionPtr& session) {
  const MonoTime now = parts_.time.steady();
  for (const WaitingRequest& request : agent.requests) {
    if (request.expires > now) {
      session->stream->send(request_message(request.request, request.expires - now));
    }
  }
}

void Hub::Impl::take(const SessionPtr& session, const Receipt& receipt) {
  std::erase_if(agent_of(session->stream->agent()).requests, [&](const WaitingRequest& waiting) {
    return waiting.request.request_id == receipt.request_id;
  });
}

void Hub::Impl::revoked(const AgentId& id) {
  const auto sessions = sessions_;
  for (const auto& [stream, session] : sessions) {
    if (stream->agent() == id) refuse(session, {"link.revoked", {}});
  }
  const auto found = agents_.find(id);
  if (found != agents_.end()) found->second.requests.clear();
}

// Silence counts from the admission. An agent that came faster than the news of it is watched
// already.
void Hub::Impl::admitted(const AgentId& id) {
  Agent& agent = agent_of(id);
  if (agent.watch.state()) return;
  agent.watch = AgentWatch(model::Presence::heard, parts_.time.steady());
}

// ---- Time ----

Duration Hub::Impl::heartbeat_every() const {
  return std::min(options_.longest_heartbeat, policy_->agent_silent_after / 4);
}

void Hub::Impl::look_again_later() {
  look_around();
  look_timer_.expires_after(options_.look_every);
  look_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look_again_later();
  });
}

void Hub::Impl::look_around() {
  const MonoTime now = parts_.time.steady();
  const Instant wall = parts_.time.wall();
  const auto policy = parts_.policy();
  const bool changed = policy != policy_;
  policy_ = policy;
  for (auto& [id, agent] : agents_) look_at(id, agent, now, policy_->agent_silent_after);
  const auto sessions = sessions_;
  for (const auto& [stream, session] : sessions) {
    if (changed && session->resumed && !session->finishing) assign(session, *policy_);
    look_at(session, now, wall);
  }
  flush_presence();
}

void Hub::Impl::look_at(const AgentId& id, Agent& agent, MonoTime now, Duration silent_after) {
  // What we did not want to read is no silence of the agent's.
  if (agent.live && agent.live->resumed && !agent.live->reading) {
    journal(id, agent.live.get(), agent.watch.heard(now));
  }
  journal(id, agent.live.get(), agent.watch.look(now, silent_after));
  const std::size_t expired = std::erase_if(
      agent.requests, [now](const WaitingRequest& request) { return request.expires <= now; });
  if (expired > 0) count(&IngestCounters::requests_dropped, expired);
  // The old instance had two heartbeats' time to answer.
  const Duration patience = std::min(heartbeat_every() * 2, options_.longest_rival_wait);
  if (agent.rival && now - agent.rival_since > patience + kSettle) {
    refuse(agent.live, {"link.replaced", {}});
  }
}

void Hub::Impl::look_at(const SessionPtr& session, MonoTime now, Instant wall) {
  if (session->finishing) {
    if (now > session->finish_due) session->stream->abort();
    return;
  }
  if (!session->greeting && now - session->opened > options_.hello_within) {
    finish(session, Error{ErrorCode::deadline_exceeded, "no Hello"});
  } else if (session->stream->valid_until() < wall) {
    finish(session, Error{ErrorCode::unauthenticated, "the certificate has expired"});
  }
}

// ---- The door ----

Hub::Hub(IngestParts parts, const std::vector<SpoolCursor>& cursors,
         const std::vector<KnownAgent>& known, const IngestOptions& options)
    : impl_(std::make_shared<Impl>(std::move(parts), cursors, known, options)) {
  impl_->start();
}

Hub::~Hub() { stop(); }

void Hub::opened(std::shared_ptr<AgentStream> stream) {
  impl_->post([stream = std::move(stream)](Impl& hub) mutable { hub.opened(std::move(stream)); });
}

void Hub::received(std::shared_ptr<AgentStream> stream, Incoming message) {
  impl_->post([stream = std::move(stream), message = std::move(message)](Impl& hub) mutable {
    hub.received(stream, std::move(message));
  });
}

void Hub::closed(std::shared_ptr<AgentStream> stream) {
  impl_->post([stream = std::move(stream)](Impl& hub) { hub.closed(stream); });
}

void Hub::gone(std::shared_ptr<AgentStream> stream) {
  impl_->post([stream = std::move(stream)](Impl& hub) { hub.gone(stream); });
}

void Hub::send_request(AgentRequest request) {
  impl_->post(
      [request = std::move(request)](Impl& hub) mutable { hub.send_request(std::move(request)); });
}

void Hub::revoked(const AgentId& agent) {
  impl_->post([agent](Impl& hub) { hub.revoked(agent); });
}

void Hub::admitted(const AgentId& agent) {
  impl_->post([agent](Impl& hub) { hub.admitted(agent); });
}

IngestCounters Hub::counters() const { return impl_->counters(); }

void Hub::step() { impl_->step(); }

bool Hub::stop(Duration limit) { return impl_->stop(limit); }

}  // namespace tocsin::collector
