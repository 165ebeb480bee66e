// Heartbeats, presence, and what time brings.
#include <algorithm>

#include "collector/ingest/down.hpp"
#include "collector/ingest/hub_impl.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

// Some check should have run in this time, if the observer lives. REQUIRES: it names a check.
Duration idle_of_checks(const model::Heartbeat& heartbeat, Duration silent_after,
                        Duration noted_within) {
  Duration youngest = heartbeat.checks.front().last_run_age;
  Duration shortest = heartbeat.checks.front().interval;
  for (const model::CheckState& check : heartbeat.checks) {
    youngest = std::min(youngest, check.last_run_age);
    shortest = std::min(shortest, check.interval);
  }
  const Duration limit = std::max(silent_after, shortest * 3) + noted_within;
  return youngest > limit ? youngest : Duration{};
}

}  // namespace

void Hub::Impl::take(const SessionPtr& session, const model::Heartbeat& heartbeat) {
  count(&IngestCounters::heartbeats);
  Agent& agent = agent_of(session->stream->agent());
  if (agent.live != session) return;
  note_spool(session, heartbeat.spool_full);
  const MonoTime now = parts_.time.steady();
  const Duration idle = this->idle(session, agent, heartbeat);
  const AgentId& id = session->stream->agent();
  journal(id, session.get(), agent.watch.stalled(now, idle));
  if (idle == Duration{}) journal(id, session.get(), agent.watch.heard(now));
  compare_results(session, agent, heartbeat);
}

// How long the observer beside the link has done nothing; zero where it works, or may.
Duration Hub::Impl::idle(const SessionPtr& session, Agent& agent,
                         const model::Heartbeat& heartbeat) {
  const MonoTime now = parts_.time.steady();
  if (!heartbeat.checks.empty()) {
    agent.no_checks_since.reset();
  } else if (!agent.no_checks_since) {
    agent.no_checks_since = now;
  }
  // After a start of the host the link may be there before the observer: it has the same time.
  const Duration limit = policy_->agent_silent_after;
  if (now - session->opened <= limit) return {};
  if (!agent.no_checks_since) return idle_of_checks(heartbeat, limit, options_.run_noted_within);
  // An observer that never began, or that writes to another spool than its link reads.
  const Duration none = now - *agent.no_checks_since;
  const bool late = none > limit + options_.first_look_within + options_.run_noted_within;
  return late && has_checks(*session) ? none : Duration{};
}

bool Hub::Impl::has_checks(const Session& session) const {
  const model::HostPolicy* policy = model::host_policy(*policy_, session.host_name);
  if (policy != nullptr && !policy->checks.empty()) return true;
  if (!parts_.results) return false;
  const auto judged = parts_.results(session.stream->agent(), {});
  return judged && judged->checks > 0;
}

void Hub::Impl::note_spool(const SessionPtr& session, bool full) {
  const AgentId& id = session->stream->agent();
  const std::lock_guard lock(counters_mutex_);
  if (!full) {
    full_spools_.erase(id);
  } else if (full_spools_.emplace(id, session->host_name).second) {
    log::warning("ingest.spool_full", {{"agent", id.hex}, {"host", session->host_name}});
  }
}

Hub::FullSpools Hub::Impl::full_spools() const {
  const std::lock_guard lock(counters_mutex_);
  if (full_spools_.empty()) return {};
  return {full_spools_.size(), full_spools_.begin()->second};
}

auto Hub::Impl::agent_of(const AgentId& id) -> Agent& {
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
  if (presence_.size() >= options_.presence_waiting) {
    presence_.pop_front();
    count(&IngestCounters::presence_dropped);
  }
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
  const std::uint64_t baselines = parts_.baselines_revision ? parts_.baselines_revision() : 0;
  const bool approved = std::exchange(baselines_revision_, baselines) != baselines;
  for (auto& [id, agent] : agents_) look_at(id, agent, now, policy_->agent_silent_after);
  const auto sessions = sessions_;
  for (const auto& [stream, session] : sessions) {
    if (changed && session->resumed && !session->finishing) assign(session, *policy_);
    if (approved && session->resumed && !session->finishing) send_baseline(session);
    look_at(session, now, wall);
  }
  {
    const std::lock_guard lock(counters_mutex_);
    std::erase_if(strangers_, [&](const auto& stranger) {
      return now - stranger.second > options_.stranger_forgotten;
    });
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

}  // namespace tocsin::collector
