#include "agent/checks/service_facts.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {

model::ServiceFacts service_facts(const std::string& unit, const os::UnitProperties& properties) {
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
  return facts;
}

}  // namespace tocsin::agent
