#include "agent/app/plan.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

using model::CheckKind;

model::CheckDefinition check(CheckKind kind, std::string target, Duration interval) {
  model::CheckDefinition definition;
  definition.check = {kind, std::move(target)};
  definition.interval = interval;
  return definition;
}

TEST(PlanChecks, RunsTheHostsOwnAndWhatItAllows) {
  ObserverConfig config;
  config.checks = {check(CheckKind::sockets, "", 2s)};
  config.allow = {CheckKind::service};
  const auto plan = plan_checks(config, {check(CheckKind::service, "ssh.service", 30s),
                                         check(CheckKind::ping, "10.0.0.1", 30s)});
  ASSERT_EQ(plan.checks.size(), 2U);
  EXPECT_EQ(plan.checks[0].check.kind, CheckKind::service);
  EXPECT_EQ(plan.checks[1].check.kind, CheckKind::sockets);
  ASSERT_EQ(plan.refused.size(), 1U);
  EXPECT_EQ(plan.refused[0].why.code, "agent.check_not_allowed");
  EXPECT_EQ(plan.refused[0].check.check.target, "10.0.0.1");
}

TEST(PlanChecks, TheHostsOwnDefinitionWinsAndIsNoRefusal) {
  ObserverConfig config;
  config.checks = {check(CheckKind::sockets, "", 60s)};
  const auto plan = plan_checks(config, {check(CheckKind::sockets, "", 1s)});
  ASSERT_EQ(plan.checks.size(), 1U);
  EXPECT_EQ(plan.checks[0].interval, Duration(60s));
  EXPECT_TRUE(plan.refused.empty());
}

// procedure M-08: a rule of the site that is finer than a network reaches the host's own check.
TEST(PlanChecks, ExactSourcesOfThePolicyAreAddedToTheHostsOwn) {
  ObserverConfig config;
  config.checks = {check(CheckKind::sockets, "", 60s)};
  config.checks[0].exact_sources = "22";
  config.allow = {CheckKind::sockets};
  model::CheckDefinition details = check(CheckKind::sockets, "", 1s);
  details.exact_sources = "1500,22";
  details.details_only = true;
  const auto plan = plan_checks(config, {details});
  ASSERT_EQ(plan.checks.size(), 1U);
  EXPECT_EQ(plan.checks[0].interval, Duration(60s));
  EXPECT_EQ(plan.checks[0].exact_sources, "22,1500");
  EXPECT_FALSE(plan.checks[0].details_only);
  // Without such a check they are none.
  config.checks.clear();
  EXPECT_TRUE(plan_checks(config, {details}).checks.empty());
  EXPECT_TRUE(plan_checks(config, {details}).refused.empty());
}

TEST(PlanChecks, WhereNothingIsAssignedTheHostsOwnFileDecides) {
  ObserverConfig config;
  config.checks = {check(CheckKind::sockets, "", 2s), check(CheckKind::service, "x.service", 30s)};
  const auto plan = plan_checks(config, {});
  ASSERT_EQ(plan.checks.size(), 2U);
  EXPECT_EQ(plan.checks[0].check.kind, CheckKind::service);
  EXPECT_EQ(plan.checks[1], config.checks[0]);
  EXPECT_TRUE(plan.refused.empty());
}

TEST(PlanChecks, TheCollectorCannotAskMoreOftenThanTheHostAllows) {
  ObserverConfig config;
  config.allow = {CheckKind::sockets};
  config.min_interval = 10s;
  const auto plan = plan_checks(config, {check(CheckKind::sockets, "", 1ms)});
  ASSERT_EQ(plan.checks.size(), 1U);
  EXPECT_EQ(plan.checks[0].interval, Duration(10s));
}

TEST(PlanChecks, AnAssignedLogLiesWhereTheHostAllowsIt) {
  ObserverConfig config;
  config.allow = {CheckKind::audit_log};
  for (const char* path : {"journal", "/var/log/audit/audit.log"}) {
    EXPECT_EQ(plan_checks(config, {check(CheckKind::audit_log, path, 30s)}).checks.size(), 1U);
    EXPECT_TRUE(request_allowed(config, {CheckKind::audit_log, path})) << path;
  }
  for (const char* path : {"/etc/shadow", "/var/log", "/var/logs/x", "/var/log/../../etc/shadow",
                           "/var/log/..", "journal2", ""}) {
    EXPECT_EQ(plan_checks(config, {check(CheckKind::audit_log, path, 30s)}).refused.size(), 1U);
    EXPECT_FALSE(request_allowed(config, {CheckKind::audit_log, path})) << path;
  }
}

TEST(PlanChecks, WhatIsTooManyIsRefused) {
  ObserverConfig config;
  config.allow = {CheckKind::service};
  std::vector<model::CheckDefinition> assigned;
  for (std::size_t i = 0; i < limits::kChecks + 2; ++i) {
    assigned.push_back(check(CheckKind::service, "s" + std::to_string(i) + ".service", 30s));
  }
  const auto plan = plan_checks(config, assigned);
  EXPECT_EQ(plan.checks.size(), limits::kChecks);
  EXPECT_EQ(plan.too_many, 2U);
  EXPECT_TRUE(plan.refused.empty());
}

TEST(PlanChecks, ARefusalTakesNoPlaceFromACheckThatRuns) {
  ObserverConfig config;
  config.allow = {CheckKind::service};
  std::vector<model::CheckDefinition> assigned{check(CheckKind::ping, "a", 30s),
                                               check(CheckKind::ping, "b", 30s)};
  for (std::size_t i = 0; i + 1 < limits::kChecks; ++i) {
    assigned.push_back(check(CheckKind::service, "s" + std::to_string(i) + ".service", 30s));
  }
  const auto plan = plan_checks(config, assigned);
  EXPECT_EQ(plan.checks.size(), limits::kChecks - 1);
  ASSERT_EQ(plan.refused.size(), 1U);
  EXPECT_EQ(plan.refused[0].check.check.target, "a");
  EXPECT_EQ(plan.too_many, 1U);
}

TEST(PlanChecks, NothingAssignedWidensWhatTheHostAllows) {
  EXPECT_TRUE(rc::check("assigned checks stay in bounds", [] {
    ObserverConfig config;
    config.allow = *rc::gen::container<std::vector<CheckKind>>(rc::gen::elementOf(
        std::vector<CheckKind>(model::kCheckKinds.begin(), model::kCheckKinds.end())));
    config.min_interval = std::chrono::milliseconds(*rc::gen::inRange(0, 100'000));
    std::vector<model::CheckDefinition> assigned;
    for (const CheckKind kind : model::kCheckKinds) {
      assigned.push_back(check(kind, "t", Duration(*rc::gen::arbitrary<std::int64_t>())));
      assigned.back().deadline = Duration(*rc::gen::arbitrary<std::int64_t>());
    }
    for (const auto& planned : plan_checks(config, assigned).checks) {
      RC_ASSERT(request_allowed(config, planned.check));
      RC_ASSERT(planned.interval >= config.min_interval);
      RC_ASSERT(planned.interval >= Duration(100ms));
      RC_ASSERT(planned.deadline >= Duration(100ms));
      RC_ASSERT(planned.deadline <= Duration(10min));
    }
  }));
}

TEST(Requests, MayRepeatTheHostsOwnCheckOrAnAllowedKind) {
  ObserverConfig config;
  config.checks = {check(CheckKind::service, "ssh.service", 30s)};
  config.allow = {CheckKind::sockets};
  EXPECT_TRUE(request_allowed(config, {CheckKind::sockets, ""}));
  EXPECT_TRUE(request_allowed(config, {CheckKind::service, "ssh.service"}));
  EXPECT_FALSE(request_allowed(config, {CheckKind::service, "cron.service"}));
}

TEST(Schedule, StaysWithinFivePercentOfTheInterval) {
  EXPECT_TRUE(rc::check("next_run is regular and in the future", [](std::uint64_t random) {
    const Duration interval = std::chrono::milliseconds(*rc::gen::inRange(100, 100'000));
    const MonoTime due{1'000'000'000'000};
    const MonoTime now = due + std::chrono::milliseconds(*rc::gen::inRange(0, 300'000));
    const MonoTime next = next_run(due, interval, now, random);
    RC_ASSERT(next <= now + interval + interval / 20);
    RC_ASSERT(next + interval / 20 > now);
    if (now < due + interval) RC_ASSERT(next + interval / 20 >= due + interval);
    const MonoTime first = first_run(now, interval, random);
    RC_ASSERT(first >= now);
    RC_ASSERT(first < now + std::min<Duration>(interval, 1s));
  }));
}

}  // namespace
}  // namespace tocsin::agent
