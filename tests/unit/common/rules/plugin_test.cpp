#include <gtest/gtest.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::Verdict;

TEST(PluginRules, TakeThePluginsWordForIt) {
  constexpr std::array kVerdicts{Verdict::normal, Verdict::abnormal, Verdict::abnormal,
                                 Verdict::cannot_tell};
  constexpr std::array kCodes{"plugin.ok", "plugin.warning", "plugin.critical", "plugin.unknown"};
  for (std::uint32_t status = 0; status < 4; ++status) {
    model::PluginFacts facts;
    facts.name = "ups";
    facts.status = status;
    facts.output = "battery at 20 %";
    const auto judgement = judge(seen(model::CheckKind::plugin, facts), nullptr, {});
    EXPECT_EQ(judgement.verdict, kVerdicts[status]);
    EXPECT_EQ(first_reason(judgement), kCodes[status]);
    EXPECT_EQ(parameter(judgement.reasons.front(), "output"), "battery at 20 %");
    EXPECT_EQ(judgement.violations.size(), kVerdicts[status] == Verdict::abnormal ? 1U : 0U);
  }
}

}  // namespace
}  // namespace tocsin::rules
