// Who may speak, which of an agent's sessions lives, and how it goes on where it stopped.
#include <algorithm>

#include "collector/ingest/down.hpp"
#include "collector/ingest/hub_impl.hpp"
#include "collector/ingest/sequence.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

auto Hub::Impl::session_of(const std::shared_ptr<AgentStream>& stream) const -> SessionPtr {
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

void Hub::Impl::received(const std::shared_ptr<AgentStream>& stream,
                         std::vector<Incoming> messages) {
  const SessionPtr session = session_of(stream);
  if (!session) return;
  session->reading = false;
  session->last_message = parts_.time.steady();
  for (Incoming& message : messages) {
    if (session->finishing) return;
    hear(session, std::move(message));
  }
  read_on(session);
}

void Hub::Impl::hear(const SessionPtr& session, Incoming message) {
  if (!session->greeting && !std::holds_alternative<Greeting>(message) &&
      !std::holds_alternative<Violation>(message)) {
    message = Violation{"the first message is not Hello"};
  }
  if (session->greeting) {
    Agent& agent = agent_of(session->stream->agent());
    if (agent.live == session && agent.rival) answered_while_rival_waits(session, agent);
  }
  std::visit([&](auto& said) { take(session, std::move(said)); }, message);
}

void Hub::Impl::take(const SessionPtr& session, const Violation& violation) {
  count(violation.unreadable ? &IngestCounters::unreadable : &IngestCounters::violations);
  log::warning("ingest.protocol_violation", {{"agent", session->stream->agent().hex},
                                             {"peer", session->stream->peer()},
                                             {"what", violation.what}});
  finish(session, Error{ErrorCode::invalid_argument, violation.what});
}

void Hub::Impl::take(const SessionPtr& session, SampleRun run) {
  const AgentId& id = session->stream->agent();
  if (agent_of(id).live != session || !parts_.samples) return;
  count(&IngestCounters::samples, run.samples.size());
  parts_.samples(id, std::move(run.samples));
}

void Hub::Impl::take(const SessionPtr&, UnknownMessage) {
  count(&IngestCounters::unknown_messages);
}

void Hub::Impl::take(const SessionPtr& session, Greeting greeting) {
  if (session->greeting) return take(session, Violation{"a second Hello"});
  session->greeting = std::move(greeting);
  session->assign_digest = session->greeting->assign_digest;
  session->baseline_digest = session->greeting->baseline_digest;
  if (may_speak(session)) meet(session, agent_of(session->stream->agent()));
}

// Certificates prove the key; admission and revocation are ours.
bool Hub::Impl::may_speak(const SessionPtr& session) {
  const AgentId& id = session->stream->agent();
  const Judge::Admission admission = parts_.admission(id);
  session->host_name = admission.host_name;
  if (!admission.known || admission.revoked) {
    count(&IngestCounters::refused);
    if (!admission.known) note_stranger(session);
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
  const std::lock_guard lock(counters_mutex_);
  strangers_.erase(id);
  return true;
}

void Hub::Impl::note_stranger(const SessionPtr& session) {
  const std::lock_guard lock(counters_mutex_);
  const AgentId& id = session->stream->agent();
  if (strangers_.size() >= kMostStrangers && !strangers_.contains(id)) return;
  strangers_[id] = parts_.time.steady();
  last_stranger_ = session->stream->peer();
}

Hub::Strangers Hub::Impl::strangers() const {
  const std::lock_guard lock(counters_mutex_);
  return {strangers_.size(), last_stranger_};
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
  session->chain = known == agent.committed.end() ? "" : agent.chains[greeting.epoch];
  const Resumption how = resume_after(session->taken, greeting.first, greeting.last);
  switch (how.kind) {
    case Resumption::Kind::go_on:
      if (is_the_same_spool(session, agent)) say_resume(session, agent);
      return;
    case Resumption::Kind::nonsense:
      return take(session, Violation{"Hello with a first number after the last"});
    case Resumption::Kind::behind:
      return require_new_epoch(session, agent);
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
      session->chain = greeting.first_chain;
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
  send_baseline(session);
  send_waiting(agent, session);
  read_on(session);
}

void Hub::Impl::closed(const std::shared_ptr<AgentStream>& stream) {
  const SessionPtr session = session_of(stream);
  // An agent goes by cancelling, and does not get this.
  if (session) finish(session, Error{ErrorCode::invalid_argument, "the stream ended"});
}

// The session is no longer its agent's; who waited for that goes on.
void Hub::Impl::leave(const SessionPtr& session) {
  const auto found = agents_.find(session->stream->agent());
  if (found == agents_.end()) return;
  Agent& agent = found->second;
  if (agent.rival == session) agent.rival = nullptr;
  if (agent.live != session) return;
  note_spool(session, false);  // Of one that is away its silence is told.
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

}  // namespace tocsin::collector
