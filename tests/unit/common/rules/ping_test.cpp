#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::PingFacts;
using model::Tristate;
using model::Verdict;

PingFacts answered(std::uint32_t received, std::uint32_t sent = 5) {
  PingFacts facts;
  facts.address = "10.1.5.254";
  facts.sent = sent;
  facts.received = received;
  facts.rtt_avg_us = 340;
  return facts;
}

model::Judgement judged(const PingFacts& facts) {
  return judge(seen(model::CheckKind::ping, facts), nullptr, {});
}

TEST(PingRules, JudgeEachRow) {
  struct Case {
    const char* code;
    Verdict verdict;
    PingFacts facts;
  };
  PingFacts slow = answered(5);
  slow.rtt_avg_us = 250'000;
  for (const Case& c : {
           Case{"ping.ok", Verdict::normal, answered(5)},
           Case{"ping.loss.some", Verdict::normal, answered(4)},
           Case{"ping.loss.some", Verdict::normal, answered(3)},
           Case{"ping.loss.high", Verdict::abnormal, answered(2)},
           Case{"ping.unreachable", Verdict::abnormal, answered(0)},
           Case{"ping.rtt.high", Verdict::abnormal, slow},
           Case{"ping.nothing_sent", Verdict::cannot_tell, answered(0, 0)},
       }) {
    const model::Judgement judgement = judged(c.facts);
    EXPECT_EQ(first_reason(judgement), c.code);
    EXPECT_EQ(judgement.verdict, c.verdict) << c.code;
  }
}

// 1 of 5 lost is 0.19999999999999996 in doubles.
TEST(PingRules, MeetTheLimitExactly) {
  model::RuleLimits limits;
  limits.ping_loss_critical_permille = 200;
  EXPECT_EQ(judge(seen(model::CheckKind::ping, answered(4)), nullptr, limits).verdict,
            Verdict::abnormal);
}

// M-01: the place that looks may itself be cut off.
TEST(PingRules, DoNotBlameTheTargetWhereTheVantageIsCutOff) {
  PingFacts facts = answered(0);
  facts.gateway_reachable = Tristate::no;
  EXPECT_EQ(first_reason(judged(facts)), "ping.gateway");
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  facts.gateway_reachable = Tristate::unknown;
  EXPECT_EQ(judged(facts).verdict, Verdict::abnormal);
}

TEST(PingRules, NameTheTargetAsSubject) {
  EXPECT_EQ(judged(answered(0)).violations.front().subject, "10.1.5.254");
}

TEST(PingRules, TakeDuplicatesForAnswers) {
  EXPECT_EQ(first_reason(judged(answered(9))), "ping.ok");
}

TEST(PingRules, AreMonotoneInLoss) {
  EXPECT_TRUE(rc::check("more loss is never milder", [] {
    PingFacts facts = answered(0, *rc::gen::inRange<std::uint32_t>(1, 20));
    facts.gateway_reachable = static_cast<Tristate>(*rc::gen::inRange(0, 3));
    facts.rtt_avg_us = *rc::gen::inRange<std::uint32_t>(0, 500'000);
    facts.received = *rc::gen::inRange<std::uint32_t>(1, facts.sent + 1);
    const int better = harm(judged(facts).verdict);
    facts.received -= *rc::gen::inRange<std::uint32_t>(1, facts.received + 1);
    RC_ASSERT(harm(judged(facts).verdict) >= better);
  }));
}

}  // namespace
}  // namespace tocsin::rules
