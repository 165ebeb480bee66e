// Spools that went back: restored from a snapshot, or copied and used twice. Their numbers mean
// other facts now than those that were taken in, so they must begin a new epoch.
#include "collector/ingest/down.hpp"
#include "collector/ingest/hub_impl.hpp"
#include "collector/ingest/sequence.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {

// False: it is refused, or was asked first and goes on with its answer.
bool Hub::Impl::is_the_same_spool(const SessionPtr& session, Agent& agent) {
  const Greeting& hello = *session->greeting;
  const SpoolEnds spool{hello.first, hello.first_chain, hello.last, hello.last_chain};
  switch (history_of(session->taken, session->chain, spool)) {
    case History::same:
      return true;
    case History::another:
      require_new_epoch(session, agent);
      return false;
    case History::ask:
      if (!std::exchange(session->chain_asked, true)) {
        session->stream->send(chain_query_message(session->taken));
      }
      return false;
  }
  return true;
}

void Hub::Impl::take(const SessionPtr& session, const ChainAnswer& answer) {
  Agent& agent = agent_of(session->stream->agent());
  if (agent.live != session || session->resumed || !session->chain_asked ||
      answer.seq != session->taken) {
    return take(session, Violation{"an answer that was not asked for"});
  }
  if (!answer.chain.empty() && answer.chain != session->chain) {
    return require_new_epoch(session, agent);
  }
  say_resume(session, agent);
}

void Hub::Impl::require_new_epoch(const SessionPtr& session, Agent& agent) {
  const AgentId& id = session->stream->agent();
  count(&IngestCounters::new_epochs);
  log::error("ingest.spool_restored", {{"agent", id.hex},
                                       {"host", session->host_name},
                                       {"taken", session->taken.value},
                                       {"first", session->greeting->first.value},
                                       {"last", session->greeting->last.value}});
  journal(id, session.get(), agent.watch.restored_seen(parts_.time.steady()));
  refuse(session, {"link.epoch_required", {}}, true);
}

}  // namespace tocsin::collector
