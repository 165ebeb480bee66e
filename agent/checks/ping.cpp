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

}  // namespace tocsin::agent
