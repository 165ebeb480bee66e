#include "collector/vantage/look.hpp"

#include <utility>
#include <variant>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/ping.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

std::vector<PendingEntry> look(const std::vector<model::Request>& requests, const std::string& root,
                               const time::TimeSource& time, std::stop_token stop) {
  const MonoTime started = time.steady();
  std::vector<model::CheckDefinition> checks;
  for (const model::Request& request : requests) {
    checks.push_back(std::get<model::CheckDefinition>(request.act));
  }
  const auto all = net::look_by_ping(checks, root, time, std::move(stop));
  std::vector<PendingEntry> entries;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    model::CollectorLook seen;
    seen.request_id = requests[i].request_id;
    model::Observation& observation = seen.observation;
    observation.check = checks[i].check;
    if (all[i]) {
      observation.facts = *all[i];
    } else {
      const Error& error = all[i].error();
      observation.outcome = error.code == ErrorCode::permission_denied
                                ? model::Outcome::not_permitted
                                : model::Outcome::failed;
      observation.detail = {"run.error", {{"what", clean_text(error.message, limits::kText)}}};
    }
    observation.at = time.wall();
    observation.took = time.steady() - started;
    const model::JournalBody body = std::move(seen);
    entries.push_back({wire::encode_journal(body), body});
  }
  return entries;
}

}  // namespace tocsin::collector
