#include "agent/checks/service_facts.hpp"

#include <algorithm>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kMostSeen = 64;

// Only steps, so that an observation of a unit that goes on changing is the same most of the time.
std::uint32_t lasted_step(const os::UnitProperties& properties, Instant at) {
  const bool changing =
      properties.active_state == "activating" || properties.active_state == "deactivating";
  if (!changing || properties.state_change.ns == 0) return 0;
  const Duration lasted = at - properties.state_change;
  return lasted >= 5min ? 300 : lasted >= 1min ? 60 : 0;
}

}  // namespace

std::uint32_t RecentRestarts::look(std::uint32_t restarts, MonoTime now) {
  const std::uint32_t before = last_.value_or(restarts);
  last_ = restarts;
  const std::uint32_t added = restarts > before ? restarts - before : 0;
  seen_.insert(seen_.end(), std::min<std::size_t>(added, kMostSeen), now);
  while (!seen_.empty() && (seen_.size() > kMostSeen || now - seen_.front() >= kRestartsWindow)) {
    seen_.pop_front();
  }
  return static_cast<std::uint32_t>(seen_.size());
}

model::ServiceFacts service_facts(const std::string& unit, const os::UnitProperties& properties,
                                  std::uint32_t recent_restarts, Instant at) {
  model::ServiceFacts facts;
  facts.unit = clean_text(unit, limits::kName);
  facts.load_state = clean_text(properties.load_state, limits::kName);
  facts.active_state = clean_text(properties.active_state, limits::kName);
  facts.sub_state = clean_text(properties.sub_state, limits::kName);
  facts.result = clean_text(properties.result, limits::kName);
  facts.restarts = properties.restarts;
  facts.main_pid = properties.main_pid;
  facts.exit_status = properties.exit_status;
  facts.state_since = properties.state_change;
  facts.one_shot = properties.type == "oneshot" || properties.remain_after_exit;
  facts.recent_restarts = recent_restarts;
  facts.job_pending = properties.job_pending;
  facts.lasted_s = lasted_step(properties, at);
  return facts;
}

}  // namespace tocsin::agent
