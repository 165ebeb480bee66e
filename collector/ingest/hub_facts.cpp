// Facts: which take effect, on their way to the journal, and the acknowledgement after the commit.
#include <algorithm>

#include "collector/ingest/down.hpp"
#include "collector/ingest/hub_impl.hpp"
#include "collector/ingest/sequence.hpp"
#include "common/base/limits.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {

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
  if (placement.fresh == 0) {
    const Seq last = agent.committed[session->greeting->epoch];
    return session->stream->send(ack_message(session->greeting->epoch, last));
  }
  session->taken.value += placement.fresh;
  session->chain = run.chain;
  const auto first = run.entries.begin() + static_cast<std::ptrdiff_t>(placement.duplicates);
  for (auto entry = first; entry != run.entries.end(); ++entry) {
    session->pending_bytes += entry->bytes.size();
    session->pending.push_back(std::move(*entry));
  }
  submit(session, agent);
}

void Hub::Impl::submit(const SessionPtr& session, Agent& agent) {
  if (agent.in_flight || session->pending.empty()) return;
  const SpoolCursor cursor{session->stream->agent(), session->greeting->epoch, session->taken,
                           session->chain};
  const std::size_t facts = session->pending.size();
  const Status accepted = parts_.intake.submit(
      std::move(session->pending), cursor,
      [alive = weak_from_this(), session, cursor, facts](Result<Committed> result) {
        const std::shared_ptr<Impl> self = alive.lock();
        if (!self) return;
        self->post([session, cursor, facts, result = std::move(result)](Impl& hub) {
          hub.committed(session, cursor, facts, result);
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

void Hub::Impl::committed(const SessionPtr& session, const SpoolCursor& cursor, std::size_t facts,
                          const Result<Committed>& result) {
  Agent& agent = agent_of(session->stream->agent());
  agent.in_flight = false;
  if (result) {
    Seq& last = agent.committed[cursor.epoch];
    if (cursor.last >= last) agent.chains[cursor.epoch] = cursor.chain;
    last = std::max(last, cursor.last);
    agent.last_entry = std::max(agent.last_entry, result->last);
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
  if (live == session) live->stream->send(ack_message(cursor.epoch, cursor.last));
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

}  // namespace tocsin::collector
