#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/i18n/i18n.hpp"
#include "common/rules/judge.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::LoginFacts;
using model::LoginMethod;
using model::LoginOutcome;
using model::Severity;
using model::Tristate;
using model::Verdict;

// A login that worked until now.
LoginFacts failed(LoginOutcome outcome) {
  LoginFacts facts;
  facts.account = "tocsin-probe";
  facts.outcome = outcome;
  facts.worked_before = true;
  facts.no_logins = Tristate::no;
  facts.disk_full = Tristate::no;
  return facts;
}

model::Judgement judged(const LoginFacts& facts) {
  return judge(seen(model::CheckKind::login, facts), nullptr, {});
}

TEST(JudgeLogin, KeepsEachWayToFailApart) {
  struct Case {
    LoginOutcome outcome;
    const char* code;
    Severity severity;
  };
  for (const Case& c :
       {Case{LoginOutcome::refused, "login.refused", Severity::d},
        Case{LoginOutcome::timed_out, "login.timed_out", Severity::d},
        Case{LoginOutcome::banner_only, "login.banner_only", Severity::d},
        Case{LoginOutcome::rejected, "login.rejected", Severity::d},
        Case{LoginOutcome::locked, "login.locked", Severity::d},
        Case{LoginOutcome::expired, "login.expired", Severity::e},
        Case{LoginOutcome::session_failed, "login.session_failed", Severity::d},
        Case{LoginOutcome::host_key_changed, "login.host_key_changed", Severity::d}}) {
    const auto judgement = judged(failed(c.outcome));
    ASSERT_EQ(judgement.verdict, Verdict::abnormal) << c.code;
    EXPECT_EQ(judgement.violations.at(0).code, c.code);
    EXPECT_EQ(judgement.violations.at(0).subject, "tocsin-probe");
    EXPECT_EQ(suggested_severity(judgement.violations.at(0)), c.severity) << c.code;
  }
  const auto works = judged(failed(LoginOutcome::succeeded));
  EXPECT_EQ(works.verdict, Verdict::normal);
  EXPECT_EQ(parameter(works.reasons.at(0), "where"), "@login.here");
}

// procedure M-02: "若否，則確認系統已遭受入侵或攻擊" is a suspicion after the benign causes.
TEST(JudgeLogin, AsksForBenignCausesFirst) {
  LoginFacts facts = failed(LoginOutcome::rejected);
  facts.no_logins = Tristate::yes;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  facts = failed(LoginOutcome::session_failed);
  facts.disk_full = Tristate::yes;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  EXPECT_EQ(judged(failed(LoginOutcome::unreachable)).verdict, Verdict::cannot_tell);
}

TEST(JudgeLogin, TakesAProbeThatNeverWorkedForAMistakeInTheSettings) {
  for (const LoginOutcome outcome :
       {LoginOutcome::rejected, LoginOutcome::locked, LoginOutcome::expired,
        LoginOutcome::session_failed, LoginOutcome::host_key_changed}) {
    LoginFacts facts = failed(outcome);
    facts.worked_before = false;
    const auto judgement = judged(facts);
    EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
    EXPECT_EQ(judgement.reasons.at(0).code, "login.cannot_tell");
  }
  LoginFacts refused = failed(LoginOutcome::refused);
  refused.worked_before = false;
  EXPECT_EQ(judged(refused).verdict, Verdict::abnormal);
}

// procedure M-06: no login any more after a restart is graver.
TEST(JudgeLogin, IsGraverSinceARestart) {
  LoginFacts facts = failed(LoginOutcome::rejected);
  facts.since_boot = true;
  EXPECT_EQ(suggested_severity(judged(facts).violations.at(0)), Severity::c);
  facts.outcome = LoginOutcome::timed_out;
  EXPECT_EQ(suggested_severity(judged(facts).violations.at(0)), Severity::d);
}

TEST(JudgeLogin, SaysThatItWaitsBeforeItTriesAgain) {
  LoginFacts facts = failed(LoginOutcome::locked);
  facts.held = true;
  facts.tried_at = Instant{1'795'465'499'000'000'000};
  EXPECT_EQ(judged(facts).reasons.at(1).code, "login.held");
  EXPECT_EQ(parameter(judged(facts).reasons.at(1), "tried"), "2026-11-23 20:24 UTC");
  facts.tried_at = {};  // of an agent that does not say so
  EXPECT_EQ(parameter(judged(facts).reasons.at(1), "tried"), "-");
}

TEST(JudgeLogin, NamesTheHostOfASubject) {
  LoginFacts facts = failed(LoginOutcome::refused);
  facts.method = LoginMethod::ssh;
  facts.address = "192.0.2.7:22";
  EXPECT_EQ(judged(facts).violations.at(0).subject, "tocsin-probe 192.0.2.7:22");
}

RC_GTEST_PROP(JudgeLoginProperty, SaysWhyInBothLanguagesAndIsNormalOnlyWhereItWorked, ()) {
  LoginFacts facts = failed(static_cast<LoginOutcome>(*rc::gen::inRange(1, 11)));
  facts.method = static_cast<LoginMethod>(*rc::gen::inRange(1, 3));
  facts.account = *rc::gen::arbitrary<std::string>();
  facts.said = *rc::gen::arbitrary<std::string>();
  facts.worked_before = *rc::gen::arbitrary<bool>();
  facts.since_boot = *rc::gen::arbitrary<bool>();
  facts.held = *rc::gen::arbitrary<bool>();
  facts.no_logins = static_cast<Tristate>(*rc::gen::inRange(0, 3));
  const auto judgement = judged(facts);
  RC_ASSERT((judgement.verdict == Verdict::normal) == (facts.outcome == LoginOutcome::succeeded));
  for (const model::Message& reason : judgement.reasons) {
    RC_ASSERT(!i18n::text(i18n::Language::en, reason.code).empty());
    RC_ASSERT(!i18n::text(i18n::Language::zh_tw, reason.code).empty());
  }
}

}  // namespace
}  // namespace tocsin::rules
