#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::ServiceFacts;
using model::Verdict;

ServiceFacts unit(const char* load, const char* active, const char* sub, const char* result) {
  ServiceFacts facts;
  facts.unit = "ssh.service";
  facts.load_state = load;
  facts.active_state = active;
  facts.sub_state = sub;
  facts.result = result;
  facts.state_since = Instant{1'800'000'000'000'000'000} - 10s;
  return facts;
}

ServiceFacts one_shot(ServiceFacts facts) {
  facts.one_shot = true;
  return facts;
}

ServiceFacts since(ServiceFacts facts, Duration ago) {
  facts.state_since = Instant{1'800'000'000'000'000'000} - ago;
  return facts;
}

ServiceFacts restarted(ServiceFacts facts, std::uint32_t times) {
  facts.recent_restarts = times;
  return facts;
}

ServiceFacts asked(ServiceFacts facts) {
  facts.job_pending = true;
  return facts;
}

model::Judgement judged(const ServiceFacts& facts, const model::Baseline* baseline = nullptr) {
  return judge(seen(model::CheckKind::service, facts), baseline, {});
}

TEST(ServiceRules, JudgeEachRow) {
  struct Case {
    const char* code;
    Verdict verdict;
    ServiceFacts facts;
  };
  for (const Case& c : {
           Case{"service.running", Verdict::normal, unit("loaded", "active", "running", "success")},
           Case{"service.running", Verdict::normal, unit("loaded", "reloading", "", "success")},
           Case{"service.running", Verdict::normal,  // its file was removed; it still runs
                unit("not-found", "active", "running", "success")},
           Case{"service.not_found", Verdict::abnormal, unit("not-found", "inactive", "dead", "")},
           Case{"service.failed", Verdict::abnormal, unit("loaded", "failed", "", "exit-code")},
           Case{"service.restarting", Verdict::cannot_tell,
                unit("loaded", "activating", "auto-restart", "signal")},
           Case{"service.restarting", Verdict::cannot_tell,
                unit("loaded", "activating", "auto-restart", "success")},
           Case{"service.failed", Verdict::abnormal,
                since(unit("loaded", "activating", "auto-restart", "signal"), 60s)},
           Case{"service.crash_loop", Verdict::abnormal,
                restarted(unit("loaded", "activating", "auto-restart", "signal"), 3)},
           Case{"service.crash_loop", Verdict::abnormal,
                restarted(unit("loaded", "active", "running", "success"), 3)},
           Case{"service.running", Verdict::normal,
                restarted(unit("loaded", "active", "running", "success"), 2)},
           Case{"service.failed", Verdict::abnormal,
                restarted(unit("loaded", "failed", "failed", "start-limit-hit"), 5)},
           Case{"service.changing", Verdict::cannot_tell,
                asked(unit("loaded", "inactive", "dead", "success"))},
           Case{"service.inactive", Verdict::abnormal,
                since(asked(unit("loaded", "inactive", "dead", "success")), 60s)},
           Case{"service.inactive", Verdict::abnormal, unit("masked", "inactive", "dead", "")},
           Case{"service.inactive", Verdict::abnormal,
                unit("loaded", "inactive", "dead", "success")},
           Case{"service.finished", Verdict::normal,
                one_shot(unit("loaded", "inactive", "dead", "success"))},
           Case{"service.failed", Verdict::abnormal,
                one_shot(unit("loaded", "failed", "failed", "exit-code"))},
           Case{"service.running", Verdict::normal,
                one_shot(since(unit("loaded", "activating", "start", "success"), 24h))},
           Case{"service.changing", Verdict::cannot_tell,
                unit("loaded", "activating", "start", "success")},
           Case{"service.inactive", Verdict::abnormal,
                since(unit("loaded", "deactivating", "stop", "success"), 5min)},
           Case{"service.state_unknown", Verdict::cannot_tell,
                unit("loaded", "maintenance", "", "")},
           Case{"service.state_unknown", Verdict::cannot_tell, unit("", "", "", "")},
       }) {
    const model::Judgement judgement = judged(c.facts);
    EXPECT_EQ(first_reason(judgement), c.code) << c.facts.active_state;
    EXPECT_EQ(judgement.verdict, c.verdict) << c.code;
  }
}

TEST(ServiceRules, SayWhyAServiceIsInactive) {
  const auto why = [](const ServiceFacts& facts) {
    return parameter(judged(facts).reasons.front(), "why");
  };
  EXPECT_EQ(why(unit("masked", "inactive", "dead", "")), "@why.masked");
  EXPECT_EQ(why(unit("loaded", "inactive", "dead", "")), "@why.stopped");
  EXPECT_EQ(why(since(unit("loaded", "deactivating", "stop-sigterm", ""), 5min)), "@why.changing");
}

TEST(ServiceRules, AcceptAServiceThatNeedNotRun) {
  model::Baseline baseline;
  baseline.services = {{"ssh.service", false}};
  const ServiceFacts stopped = unit("loaded", "inactive", "dead", "success");
  EXPECT_EQ(judged(stopped, &baseline).verdict, Verdict::normal);
  EXPECT_EQ(first_reason(judged(stopped, &baseline)), "service.not_required");
  baseline.services = {{"ssh.service", true}};
  EXPECT_EQ(judged(stopped, &baseline).verdict, Verdict::abnormal);
  baseline.services = {{"cron.service", false}};
  EXPECT_EQ(judged(stopped, &baseline).verdict, Verdict::abnormal);
}

TEST(ServiceRules, MentionARestartWithoutBlamingIt) {
  ServiceFacts facts = unit("loaded", "active", "running", "success");
  facts.restarts = 3;
  const model::Judgement judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  EXPECT_TRUE(says(judgement, "service.restarted"));
}

// A host whose clock was set back reports a state of the future.
TEST(ServiceRules, TolerateAClockThatWentBack) {
  EXPECT_EQ(judged(since(unit("loaded", "activating", "start", "success"), -24h)).verdict,
            Verdict::cannot_tell);
}

TEST(ServiceRules, KeepTheSubjectWhateverTheProcess) {
  ServiceFacts facts = unit("loaded", "failed", "", "signal");
  facts.main_pid = 1;
  const std::string subject = judged(facts).violations.front().subject;
  facts.main_pid = 31337;
  EXPECT_EQ(judged(facts).violations.front().subject, subject);
  EXPECT_EQ(subject, "ssh.service");
}

ServiceFacts any_facts() {
  ServiceFacts facts = unit(
      "loaded", *rc::gen::element("active", "activating", "deactivating", "inactive", "failed"),
      *rc::gen::element("running", "auto-restart", "start", "dead", "failed"),
      *rc::gen::element("success", "signal", "exit-code", "start-limit-hit"));
  facts.restarts = *rc::gen::inRange<std::uint32_t>(0, 1000);
  facts.job_pending = *rc::gen::arbitrary<bool>();
  return since(facts, Duration(1s) * *rc::gen::inRange(0, 1000));
}

RC_GTEST_PROP(ServiceRulesProperty, OneRestartThatSystemdMakesAtOnceIsNoFinding, ()) {
  ServiceFacts facts = any_facts();
  facts.active_state = *rc::gen::element("active", "activating");
  facts.sub_state = facts.active_state == "active" ? "running" : "auto-restart";
  facts = since(facts, Duration(1s) * *rc::gen::inRange(0, 60));
  facts.recent_restarts = *rc::gen::inRange<std::uint32_t>(0, 3);
  RC_ASSERT(judged(facts).verdict != Verdict::abnormal);
}

RC_GTEST_PROP(ServiceRulesProperty, MoreRestartsNeverMakeItBetter, ()) {
  ServiceFacts facts = any_facts();
  facts.recent_restarts = *rc::gen::inRange<std::uint32_t>(0, 10);
  const int few = harm(judged(facts).verdict);
  facts.recent_restarts += *rc::gen::inRange<std::uint32_t>(0, 10);
  RC_ASSERT(harm(judged(facts).verdict) >= few);
}

RC_GTEST_PROP(ServiceRulesProperty, ACrashLoopIsOneInEveryState, ()) {
  ServiceFacts facts = any_facts();
  facts.recent_restarts = *rc::gen::inRange<std::uint32_t>(3, 100);
  RC_ASSERT(judged(facts).verdict == Verdict::abnormal);
}

}  // namespace
}  // namespace tocsin::rules
