#include "collector/ingest/hub.hpp"

#include <algorithm>

#include "collector/ingest/hub_impl.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {

Hub::Impl::Impl(IngestParts parts, const std::vector<SpoolCursor>& cursors,
                const std::vector<KnownAgent>& known, const IngestOptions& options)
    : parts_(std::move(parts)), options_(options), policy_(parts_.policy()) {
  const MonoTime now = parts_.time.steady();
  for (const KnownAgent& agent : known) {
    agents_.emplace(agent.agent, Agent(AgentWatch(agent.presence, now)));
  }
  for (const SpoolCursor& cursor : cursors) {
    Agent& agent = agent_of(cursor.agent);
    Seq& last = agent.committed[cursor.epoch];
    if (cursor.last >= last) agent.chains[cursor.epoch] = cursor.chain;
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

void Hub::received(std::shared_ptr<AgentStream> stream, std::vector<Incoming> messages) {
  impl_->post([stream = std::move(stream), messages = std::move(messages)](Impl& hub) mutable {
    hub.received(stream, std::move(messages));
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

Hub::Strangers Hub::strangers() const { return impl_->strangers(); }

Hub::FullSpools Hub::full_spools() const { return impl_->full_spools(); }

void Hub::step() { impl_->step(); }

bool Hub::stop(Duration limit) { return impl_->stop(limit); }

}  // namespace tocsin::collector
