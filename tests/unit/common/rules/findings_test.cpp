#include "common/rules/findings.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::Verdict;

model::Violation violation(const char* subject) { return {"x.y", subject, {"x.y", {}}}; }

TEST(Findings, AreNormalOnlyWhenNothingWasFoundOrHidden) {
  EXPECT_EQ(Findings().finish({"all.well", {}}).verdict, Verdict::normal);
  Findings blind;
  blind.blind({"not.seen", {}});
  const model::Judgement judgement = std::move(blind).finish({"all.well", {}});
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_FALSE(says(judgement, "all.well"));
}

TEST(Findings, SayAlsoWhatWasNotSeen) {
  Findings findings;
  findings.blind({"not.seen", {}});
  findings.add(violation("a"));
  const model::Judgement judgement = std::move(findings).finish({"all.well", {}});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  EXPECT_TRUE(says(judgement, "not.seen"));
}

TEST(Findings, CountOneSubjectOnce) {
  Findings findings;
  findings.add(violation("a"));
  findings.add(violation("a"), 3);
  findings.add(violation("b"));
  EXPECT_EQ(std::move(findings).finish({}).violations.size(), 2U);
}

TEST(Findings, NeverSayMoreReasonsThanTheLimit) {
  Findings findings;
  for (int i = 0; i < 200; ++i) {
    findings.add(violation(std::to_string(i).c_str()));
    findings.blind({"not.seen." + std::to_string(i), {}});
    findings.note({"note." + std::to_string(i), {}});
  }
  const model::Judgement judgement = std::move(findings).finish({});
  EXPECT_LE(judgement.reasons.size(), limits::kReasons);
  EXPECT_TRUE(says(judgement, "observation.more"));
}

TEST(Said, IsNeverTakenForOneOfOurTexts) {
  EXPECT_EQ(said("name", "@verdict.normal").value, "\\x40verdict.normal");
  EXPECT_EQ(said("name", "a@b").value, "a@b");
  EXPECT_EQ(said("name", std::string(5000, 'x')).value.size(), limits::kText);
}

}  // namespace
}  // namespace tocsin::rules
