// What another machine sees of a host: open ports (procedure M-07) and answers (M-03).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rules/checks.hpp"
#include "common/rules/judge.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::AnswerOutcome;
using model::Verdict;

model::PortScanFacts scan(std::vector<std::uint16_t> open) {
  model::PortScanFacts facts;
  facts.address = "10.0.0.7";
  facts.tried = 1024;
  facts.closed = 1000;
  facts.open = std::move(open);
  facts.complete = true;
  return facts;
}

model::Baseline only_ssh() {
  model::Baseline baseline;
  baseline.has_listeners = true;
  model::ListenerRule ssh;
  ssh.port = 22;
  baseline.listeners = {ssh};
  return baseline;
}

TEST(JudgePortScan, FindsWhatNobodyApproved) {
  const model::Baseline baseline = only_ssh();
  EXPECT_EQ(judge_port_scan(scan({22}), &baseline).verdict, Verdict::normal);
  const auto judgement = judge_port_scan(scan({22, 4444}), &baseline);
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].code, "port.answers");
  EXPECT_EQ(judgement.violations[0].subject, "10.0.0.7 tcp 4444");
}

// What is approved for the host itself is not approved to answer others.
TEST(JudgePortScan, APortForLoopbackOnlyMustNotAnswer) {
  model::Baseline baseline = only_ssh();
  model::ListenerRule own;
  own.port = 5432;
  own.address_classes = {model::AddressClass::loopback};
  baseline.listeners.push_back(own);
  EXPECT_EQ(judge_port_scan(scan({22, 5432}), &baseline).violations.at(0).code, "port.answers");
  baseline.listeners.back().address_classes.push_back(model::AddressClass::private_network);
  EXPECT_EQ(judge_port_scan(scan({22, 5432}), &baseline).verdict, Verdict::normal);
}

TEST(JudgePortScan, APortThatIsPassedOnIsApprovedForScansOnly) {
  model::Baseline baseline = only_ssh();
  baseline.listeners.back().redirect = true;
  EXPECT_EQ(judge_port_scan(scan({22}), &baseline).verdict, Verdict::normal);
  model::SocketsFacts facts;
  facts.listeners.emplace_back().port = 22;
  facts.listeners.back().address = "0.0.0.0";
  const auto judgement = judge(seen(model::CheckKind::sockets, facts), &baseline, {});
  EXPECT_EQ(judgement.violations.at(0).code, "port.unexpected");
}

TEST(JudgePortScan, CannotTellWithoutABaselineOrAWholeScan) {
  const auto none = judge_port_scan(scan({22}), nullptr);
  EXPECT_EQ(none.verdict, Verdict::cannot_tell);
  EXPECT_EQ(parameter(none.reasons.at(0), "part"), "@baseline.part.listeners");
  const model::Baseline baseline = only_ssh();
  model::PortScanFacts half = scan({22});
  half.complete = false;
  EXPECT_EQ(judge_port_scan(half, &baseline).verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judge_port_scan(half, &baseline)), "port_scan.incomplete");
}

// A host that is off and one that drops everything look the same from outside.
TEST(JudgePortScan, SilenceIsNotNormal) {
  const model::Baseline baseline = only_ssh();
  model::PortScanFacts silent = scan({});
  silent.closed = 0;
  EXPECT_EQ(judge_port_scan(silent, &baseline).verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judge_port_scan(silent, &baseline)), "port_scan.silent");
}

TEST(JudgeAnswer, IsNormalOnlyForAnAnswer) {
  model::AnswerFacts facts;
  facts.url = "http://10.0.0.7/";
  facts.status = 200;
  EXPECT_EQ(judge_answer(facts).verdict, Verdict::normal);
  facts.status = 503;
  EXPECT_EQ(judge_answer(facts).violations.at(0).code, "answer.error_status");
  for (const auto& [outcome, why] :
       {std::pair{AnswerOutcome::refused, "@answer.why.refused"},
        std::pair{AnswerOutcome::timed_out, "@answer.why.timed_out"},
        std::pair{AnswerOutcome::unreachable, "@answer.why.unreachable"},
        std::pair{AnswerOutcome::tls_failed, "@answer.why.tls_failed"},
        std::pair{AnswerOutcome::no_answer, "@answer.why.no_answer"},
        std::pair{AnswerOutcome::wrong_answer, "@answer.why.wrong_answer"}}) {
    facts.outcome = outcome;
    const auto judgement = judge_answer(facts);
    EXPECT_EQ(judgement.violations.at(0).code, "answer.failed");
    EXPECT_EQ(parameter(judgement.violations.at(0).message, "why"), why);
  }
}

}  // namespace
}  // namespace tocsin::rules
