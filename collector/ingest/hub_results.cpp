// Results that are missing here: an unchanged result is no row, so one whose row was lost would
// never come. The heartbeat tells the digest of each; one that the state does not have is asked for
// again.
#include <algorithm>

#include "collector/ingest/down.hpp"
#include "collector/ingest/hub_impl.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

std::map<model::CheckRef, std::string> result_digests(const model::Host& host,
                                                      const std::vector<model::CheckRef>& checks) {
  std::map<model::CheckRef, std::string> digests;
  for (const model::CheckStatus& status : host.checks) {
    if (std::find(checks.begin(), checks.end(), status.check) == checks.end()) continue;
    digests[status.check] = wire::significant_digest(status.observation);
  }
  return digests;
}

void Hub::Impl::compare_results(const SessionPtr& session, Agent& agent,
                                const model::Heartbeat& heartbeat) {
  if (!parts_.results || !session->resumed || !session->greeting->takes_resend_check) return;
  const Seq committed = agent.committed[session->greeting->epoch];
  std::map<model::CheckRef, ResultWatch> watches;  // of the checks that it still has
  std::vector<model::CheckRef> doubtful;
  for (const model::CheckState& told : heartbeat.checks) {
    ResultWatch& watch = watches[told.check];
    if (const auto before = agent.results.find(told.check); before != agent.results.end()) {
      watch = std::move(before->second);
    }
    const bool under_way = told.last_seq > committed;
    if (!told.digest.empty() && !under_way && told.digest != watch.agreed) {
      doubtful.push_back(told.check);
    }
  }
  agent.results = std::move(watches);
  const MonoTime now = parts_.time.steady();
  if (doubtful.empty() || now - agent.results_compared < options_.compare_results_every) return;
  agent.results_compared = now;
  const auto judged = parts_.results(session->stream->agent(), doubtful);
  if (!judged || judged->as_of < agent.last_entry) return;  // At the next heartbeat.
  for (const model::CheckState& told : heartbeat.checks) {
    if (std::find(doubtful.begin(), doubtful.end(), told.check) == doubtful.end()) continue;
    const auto known = judged->digests.find(told.check);
    compare_result(session, agent.results[told.check], told,
                   known == judged->digests.end() ? std::string() : known->second);
  }
}

void Hub::Impl::compare_result(const SessionPtr& session, ResultWatch& watch,
                               const model::CheckState& told, const std::string& known) {
  if (known == told.digest) {
    watch = {told.digest, {}, {}, {}};
    return;
  }
  const MonoTime now = parts_.time.steady();
  const auto warn = [&](const char* event) {
    log::warning(event, {{"agent", session->stream->agent().hex},
                         {"host", session->host_name},
                         {"check", model::to_string(told.check)}});
  };
  if (watch.asked == told.digest && told.last_seq > watch.asked_seq) {
    // It came again and is still another: agents of other versions may see what we do not.
    count(&IngestCounters::results_differ);
    warn("ingest.result_differs");
    watch = {told.digest, {}, watch.asked_at, {}};
    return;
  }
  if (watch.asked_at != MonoTime{} && now - watch.asked_at < options_.result_again_after) return;
  watch.asked = told.digest;
  watch.asked_at = now;
  watch.asked_seq = told.last_seq;
  count(&IngestCounters::results_missing);
  warn("ingest.result_missing");
  session->stream->send(resend_check_message(told.check));
}

}  // namespace tocsin::collector
