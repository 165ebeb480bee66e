// A plugin judges by itself; its status is taken as it is. What a site watches so (power,
// temperature, doors) is outside annex two.
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {

using model::Verdict;

model::Judgement judge_plugin(const model::PluginFacts& facts) {
  const auto message = [&](std::string_view code) {
    return model::Message{std::string(code),
                          {said("plugin", facts.name), said("output", facts.output)}};
  };
  switch (facts.status) {
    case 0:
      return conclude(Verdict::normal, message("plugin.ok"));
    case 1:
      return conclude_abnormal(subject_part(facts.name), message("plugin.warning"));
    case 2:
      return conclude_abnormal(subject_part(facts.name), message("plugin.critical"));
    default:
      return conclude(Verdict::cannot_tell, message("plugin.unknown"));
  }
}

}  // namespace tocsin::rules
