#include "collector/vantage/look.hpp"

#include <utility>
#include <variant>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/ping.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

PendingEntry look(const model::Request& request, const std::string& root,
                  const time::TimeSource& time, std::stop_token stop) {
  const MonoTime started = time.steady();
  model::CollectorLook seen;
  seen.request_id = request.request_id;
  model::Observation& observation = seen.observation;
  const auto& check = std::get<model::CheckDefinition>(request.act);
  observation.check = check.check;
  const auto seen_by_ping = net::look_by_ping({&check, 1}, root, time, std::move(stop));
  const Result<model::PingFacts>& facts = seen_by_ping.front();
  if (facts) {
    observation.facts = *facts;
  } else {
    observation.outcome = facts.error().code == ErrorCode::permission_denied
                              ? model::Outcome::not_permitted
                              : model::Outcome::failed;
    observation.detail = {"run.error",
                          {{"what", clean_text(facts.error().message, limits::kText)}}};
  }
  observation.at = time.wall();
  observation.took = time.steady() - started;
  const model::JournalBody body = std::move(seen);
  return {wire::encode_journal(body), body};
}

}  // namespace tocsin::collector
