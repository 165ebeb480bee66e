#include "agent/checks/ping.hpp"

#include <utility>

#include "agent/checks/observation.hpp"
#include "common/net/ping.hpp"

namespace tocsin::agent {

model::Observation observe_ping(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  auto facts = net::look_by_ping(check, context.root, context.time, context.stop);
  if (!facts) return run.unseen(facts.error());
  return run.seen(*std::move(facts));
}

}  // namespace tocsin::agent
