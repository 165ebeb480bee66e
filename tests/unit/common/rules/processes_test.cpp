#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::Baseline;
using model::ProcessesFacts;
using model::ProcessGroup;
using model::Tristate;
using model::Verdict;

ProcessGroup group(const char* name, const char* executable, const char* user = "root") {
  ProcessGroup g;
  g.name = name;
  g.executable = executable;
  g.user = user;
  g.count = 1;
  g.example_pid = 31337;
  g.packaged = Tristate::yes;
  return g;
}

template <class Change>
ProcessGroup with(ProcessGroup g, Change change) {
  change(g);
  return g;
}

Baseline baseline() {
  Baseline b;
  b.has_processes = true;
  b.processes = {{"", "/srv/app/bin/app", "app", "the application"}};
  return b;
}

ProcessesFacts facts_of(std::vector<ProcessGroup> groups) {
  ProcessesFacts facts;
  facts.processes = static_cast<std::uint32_t>(groups.size());
  facts.groups = std::move(groups);
  return facts;
}

model::Judgement judged(const ProcessesFacts& facts, const Baseline& b = baseline()) {
  return judge(seen(model::CheckKind::processes, facts), &b, {});
}
model::Judgement judged(std::vector<ProcessGroup> groups) {
  return judged(facts_of(std::move(groups)));
}

TEST(ProcessRules, AcceptProgramsOfTheSystemAndOfTheBaseline) {
  const model::Judgement judgement =
      judged({group("cron", "/usr/sbin/cron"), group("app", "/srv/app/bin/app", "app")});
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  EXPECT_EQ(first_reason(judgement), "process.ok");
}

// Where /proc hides processes from the agent (hidepid), its list is not all that runs.
TEST(ProcessRules, CannotTellWhereTheListMayNotBeAll) {
  ProcessesFacts facts = facts_of({group("cron", "/usr/sbin/cron")});
  facts.hidden_searched = Tristate::no;
  const model::Judgement judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judgement), "process.hidden_not_searched");
  facts.hidden_searched = Tristate::yes;
  EXPECT_EQ(judged(facts).verdict, Verdict::normal);
}

TEST(ProcessRules, SayWhy) {
  struct Case {
    const char* why;
    ProcessGroup group;
  };
  for (const Case& c : {
           Case{"@why.memory_only",
                with(group("x", "/usr/bin/x"), [](auto& g) { g.memory_only = Tristate::yes; })},
           Case{"@why.memory_only", group("x", "/memfd:x (deleted)")},
           Case{"@why.imitates_kernel", with(group("[kworker/0:1]", "/usr/bin/perl"),
                                             [](auto& g) { g.imitates_kernel_thread = true; })},
           Case{"@why.world_writable @why.outside",
                with(group("x", "/tmp/x"),
                     [](auto& g) { g.executable_world_writable = Tristate::yes; })},
           Case{"@why.deleted @why.outside",
                with(group("x", "/home/u/x"),
                     [](auto& g) { g.executable_deleted = Tristate::yes; })},
           Case{"@why.preload",
                with(group("x", "/usr/bin/x"), [](auto& g) { g.preload = Tristate::yes; })},
           Case{"@why.outside", group("x", "/home/u/x")},
       }) {
    const model::Judgement judgement = judged({c.group});
    ASSERT_EQ(judgement.violations.size(), 1U) << c.why;
    EXPECT_EQ(judgement.violations.front().code, "process.unexpected");
    EXPECT_EQ(parameter(judgement.violations.front().message, "why"), c.why);
  }
}

TEST(ProcessRules, TakeAnUpdatedDaemonAsInformation) {
  const model::Judgement judgement =
      judged({with(group("cron", "/usr/sbin/cron (deleted)"),
                   [](auto& g) { g.executable_deleted = Tristate::yes; })});
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  EXPECT_TRUE(says(judgement, "process.upgraded"));
}

TEST(ProcessRules, LeaveKernelThreadsAlone) {
  EXPECT_EQ(
      judged({with(group("kworker/0:1", ""), [](auto& g) { g.kernel_thread = true; })}).verdict,
      Verdict::normal);
}

TEST(ProcessRules, FindAPreloadedLibraryOfTheWholeSystem) {
  ProcessesFacts facts = facts_of({});
  facts.preload_file = true;
  EXPECT_EQ(first_reason(judged(facts)), "process.preload_file");
  Baseline approved = baseline();
  approved.processes.push_back({"", "/etc/ld.so.preload", "", "profiler"});
  EXPECT_EQ(judged(facts, approved).verdict, Verdict::normal);
}

TEST(ProcessRules, CannotTellWithoutABaselineButStillSeeTheSigns) {
  const ProcessesFacts plain = facts_of({group("x", "/home/u/x")});
  const model::Judgement none = judge(seen(model::CheckKind::processes, plain), nullptr, {});
  EXPECT_EQ(none.verdict, Verdict::cannot_tell);
  EXPECT_EQ(parameter(none.reasons.at(0), "part"), "@baseline.part.processes");
  const ProcessesFacts sign = facts_of(
      {with(group("x", "/tmp/x"), [](auto& g) { g.executable_world_writable = Tristate::yes; })});
  EXPECT_EQ(judge(seen(model::CheckKind::processes, sign), nullptr, {}).verdict, Verdict::abnormal);
}

TEST(ProcessRules, AreNeverNormalWhenSomeCouldNotBeSeen) {
  ProcessesFacts facts = facts_of({group("cron", "/usr/sbin/cron")});
  facts.not_permitted = 1;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  facts.not_permitted = 0;
  facts.groups_over_limit = 1;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judged(facts)), "observation.incomplete");
}

TEST(ProcessRules, DoNotApproveEverythingByAnEmptyRule) {
  Baseline b = baseline();
  b.processes = {{"", "", "", ""}};
  EXPECT_EQ(judged(facts_of({group("x", "/home/u/x")}), b).verdict, Verdict::abnormal);
}

// A program can call itself what it likes; that must not make new findings.
TEST(ProcessRules, KeepOneSubjectForOneProgram) {
  const model::Judgement judgement =
      judged({group("aaa", "/home/u/x"), group("bbb", "/home/u/x (deleted)")});
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations.front().subject, "/home/u/x root");
}

ProcessGroup any_group() {
  ProcessGroup g =
      group(*rc::gen::element("a", "b", "[k]"),
            *rc::gen::element("/usr/bin/a", "/tmp/x", "", "/memfd:x", "/srv/app/bin/app"),
            *rc::gen::element("root", "app", ""));
  g.executable_deleted = static_cast<Tristate>(*rc::gen::inRange(0, 3));
  g.memory_only = static_cast<Tristate>(*rc::gen::inRange(0, 3));
  g.executable_world_writable = static_cast<Tristate>(*rc::gen::inRange(0, 3));
  g.preload = static_cast<Tristate>(*rc::gen::inRange(0, 3));
  g.imitates_kernel_thread = *rc::gen::arbitrary<bool>();
  return g;
}

TEST(ProcessRules, AreMonotoneAndDependOnNeitherOrderNorPid) {
  EXPECT_TRUE(rc::check("more programs, never milder; any order, the same", [] {
    std::vector<ProcessGroup> groups(static_cast<std::size_t>(*rc::gen::inRange(0, 40)));
    for (ProcessGroup& g : groups) g = any_group();
    const model::Judgement fewer = judged(groups);
    std::reverse(groups.begin(), groups.end());
    for (ProcessGroup& g : groups) g.example_pid = *rc::gen::arbitrary<std::uint32_t>();
    RC_ASSERT(judged(groups) == fewer);
    groups.push_back(any_group());
    const model::Judgement more = judged(groups);
    RC_ASSERT(harm(more.verdict) >= harm(fewer.verdict));
    RC_ASSERT(more.violations.size() >= fewer.violations.size());
  }));
}

// procedure M-09
TEST(ProcessRules, ANumberThatOnlyTheKernelKnowsIsAFindingByItself) {
  ProcessesFacts facts = facts_of({});
  facts.hidden = {4242};
  const model::Judgement judgement = judge(seen(model::CheckKind::processes, facts), nullptr, {});
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].code, "process.hidden");
  EXPECT_EQ(judgement.violations[0].subject, "process 4242");
  EXPECT_EQ(suggested_severity(judgement.violations[0]), model::Severity::c);
}

TEST(ProcessRules, ADeletedProgramIsAnUpdateOnlyWhereAPackageHadIt) {
  const auto deleted = [](Tristate packaged) {
    return with(group("x", "/usr/sbin/x"), [&](ProcessGroup& g) {
      g.executable_deleted = Tristate::yes;
      g.packaged = packaged;
    });
  };
  EXPECT_TRUE(says(judged({deleted(Tristate::yes)}), "process.upgraded"));
  EXPECT_EQ(judged({deleted(Tristate::yes)}).verdict, Verdict::normal);
  EXPECT_EQ(judged({deleted(Tristate::unknown)}).verdict, Verdict::cannot_tell);
  EXPECT_EQ(judged({deleted(Tristate::no)}).verdict, Verdict::abnormal);
}

// dpkg's database is absent or did not answer: what only it can tell is not normal for that.
TEST(ProcessRules, WhoseAProgramIsMustBeKnownWhereItWouldTell) {
  const auto unknown = [](const char* path, Tristate deleted = Tristate::no) {
    return with(group("x", path), [&](ProcessGroup& g) {
      g.packaged = Tristate::unknown;
      g.executable_deleted = deleted;
      g.preload = g.executable_world_writable = Tristate::no;
      g.count = 2;
    });
  };
  const model::Judgement judgement = judged({unknown("/usr/sbin/x")});
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  ASSERT_TRUE(says(judgement, "process.packages_unknown"));
  EXPECT_EQ(parameter(judgement.reasons.front(), "count"), "2");
  EXPECT_FALSE(looked_at(judgement, "process.unexpected", "/usr/sbin/x root"));
  Baseline approved = baseline();
  approved.processes.push_back({"x", "/usr/sbin/x", "root", "known"});
  EXPECT_EQ(judged(facts_of({unknown("/usr/sbin/x")}), approved).verdict, Verdict::normal);
  EXPECT_EQ(first_reason(judged({unknown("/srv/x")})), "process.unexpected") << "needs no package";
  const Baseline none;
  const auto alone = [&](ProcessGroup g) { return judged(facts_of({std::move(g)}), none); };
  EXPECT_FALSE(says(alone(unknown("/usr/sbin/x")), "process.packages_unknown"))
      << "without a list nothing depends on it";
  EXPECT_TRUE(says(alone(unknown("/usr/sbin/x", Tristate::yes)), "process.packages_unknown"))
      << "an update, or a program that hides its file";
}

TEST(ProcessRules, AProgramOfNoPackageIsOnlyUnusual) {
  const auto foreign =
      with(group("x", "/usr/local/bin/x"), [](ProcessGroup& g) { g.packaged = Tristate::no; });
  const model::Judgement judgement = judged({foreign});
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(parameter(judgement.violations[0].message, "why"), "@why.no_package");
  EXPECT_EQ(suggested_severity(judgement.violations[0]), model::Severity::e);
  const Baseline none;
  EXPECT_TRUE(judged(facts_of({foreign}), none).violations.empty());
}

// The first login of somebody after the list was approved is no new unit.
TEST(ProcessRules, WhatSystemdStartsAtALoginIsApprovedByItself) {
  ProcessesFacts facts = facts_of({});
  facts.units_known = Tristate::yes;
  Baseline b = baseline();
  b.has_units = true;
  const auto found = [&](const char* unit, Tristate packaged) {
    facts.units = {{unit, true, false, packaged}};
    return !judged(facts, b).violations.empty();
  };
  EXPECT_FALSE(found("user@1007.service", Tristate::yes));
  EXPECT_FALSE(found("user-runtime-dir@0.service", Tristate::yes));
  EXPECT_TRUE(found("user@1007.service", Tristate::no)) << "another file behind the name";
  EXPECT_TRUE(found("user@1007.service", Tristate::unknown));
  for (const char* other : {"user@.service", "user@evil.service", "user@1.timer", "user@1x.service",
                            "user-1.service", "openvpn@1.service"}) {
    EXPECT_TRUE(found(other, Tristate::yes)) << other;
  }
}

// It runs for moments a day, so that a list that was learned hardly ever has it.
TEST(ProcessRules, ATimerApprovesTheServiceOfItsName) {
  ProcessesFacts facts = facts_of({});
  facts.units_known = Tristate::yes;
  Baseline b = baseline();
  b.has_units = true;
  b.units = {"logrotate.timer", "cron.service"};
  const auto found = [&](const char* unit) {
    facts.units = {{unit, true, false, Tristate::yes}};
    return !judged(facts, b).violations.empty();
  };
  EXPECT_FALSE(found("logrotate.timer"));
  EXPECT_FALSE(found("logrotate.service"));
  for (const char* other : {"logrotate@.service", "rotate.service", "logrotate.service.timer",
                            "cron.timer", ".service", "xlogrotate.service"}) {
    EXPECT_TRUE(found(other)) << other;
  }
}

TEST(ProcessRules, UnitsAreComparedWhereTheOwnerListedThem) {
  ProcessesFacts facts = facts_of({});
  facts.units_known = Tristate::yes;
  facts.units = {{"cron.service", true, true, Tristate::yes},
                 {"evil.service", true, true, Tristate::no},
                 {"listed.service", true, false, Tristate::no},
                 {"new.timer", false, true, Tristate::yes}};
  EXPECT_TRUE(judged(facts).violations.empty());
  Baseline b = baseline();
  b.has_units = true;
  b.units = {"cron.service"};
  b.services = {{"listed.service", true}};
  const model::Judgement judgement = judged(facts, b);
  ASSERT_EQ(judgement.violations.size(), 2U);
  EXPECT_EQ(judgement.violations[0].subject, "evil.service");
  EXPECT_EQ(suggested_severity(judgement.violations[0]), model::Severity::d);
  EXPECT_EQ(judgement.violations[1].subject, "new.timer");
  EXPECT_EQ(suggested_severity(judgement.violations[1]), model::Severity::e);
  facts.units.clear();
  facts.units_known = Tristate::no;
  EXPECT_EQ(judged(facts, b).verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judged(facts, b)), "unit.not_known");
}

}  // namespace
}  // namespace tocsin::rules
