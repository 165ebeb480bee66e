#include "agent/checks/ping.hpp"

#include "agent/checks/observation.hpp"
#include "common/net/ping.hpp"

namespace tocsin::agent {

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const auto seen = net::look_by_ping({&check, 1}, context.root, context.time, context.stop);
  if (!seen.front()) return run.unseen(seen.front().error());
  return run.seen(*seen.front());
}

std::vector<model::Observation> observe_pings(
    const std::vector<model::CheckDefinition>& checks,
    const std::vector<std::shared_ptr<CheckContext>>& contexts) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < checks.size(); ++i) runs.emplace_back(checks[i], *contexts[i]);
  const CheckContext& any = *contexts.front();
  const auto seen = net::look_by_ping(checks, any.root, any.time, any.stop);
  std::vector<model::Observation> observations;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    observations.push_back(seen[i] ? runs[i].seen(*seen[i]) : runs[i].unseen(seen[i].error()));
  }
  return observations;
}

}  // namespace tocsin::agent
