// What goes down to agents: assigned checks and requests, and the news about agents that change it.
#include "collector/ingest/down.hpp"
#include "collector/ingest/hub_impl.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {

void Hub::Impl::assign(const SessionPtr& session, const model::SitePolicy& policy) {
  Assignment assignment = assignment_of(policy, session->host_name);
  if (assignment.digest == session->assign_digest) return;
  session->assign_digest = assignment.digest;
  session->stream->send(std::move(assignment.message));
}

void Hub::Impl::send_baseline(const SessionPtr& session) {
  if (!parts_.baseline) return;
  const auto approved = parts_.baseline(session->host_name);
  const std::string digest = approved ? approved->digest : std::string();
  if (digest == session->baseline_digest) return;
  session->baseline_digest = digest;
  session->stream->send(baseline_message(approved ? *approved : model::ApprovedBaseline{}));
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

}  // namespace tocsin::collector
