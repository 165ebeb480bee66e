#include "agent/checks/service.hpp"

#include <algorithm>
#include <memory>

#include "agent/checks/observation.hpp"
#include "agent/checks/service_facts.hpp"
#include "agent/os/systemd.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kLongestCall = 2s;

struct ServiceMemory final : CheckMemory {
  RecentRestarts restarts;
};

}  // namespace

model::Observation observe_service(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const std::string& unit = check.check.target;
  if (!os::valid_unit_name(unit)) {
    return run.unseen(Error{ErrorCode::invalid_argument, "not a unit name: " + unit});
  }
  if (!os::systemd_runs(context.root)) {
    return run.unseen(model::Outcome::not_applicable, {"run.no_systemd", {}});
  }
  const Duration limit = std::min(kLongestCall, check.deadline);
  const auto properties = os::unit_properties(unit, context.root, limit);
  if (!properties) return run.unseen(properties.error());
  if (!context.memory) context.memory = std::make_unique<ServiceMemory>();
  RecentRestarts& restarts = static_cast<ServiceMemory&>(*context.memory).restarts;
  return run.seen(service_facts(unit, *properties,
                                restarts.look(properties->restarts, context.time.steady()),
                                context.time.wall()));
}

}  // namespace tocsin::agent
