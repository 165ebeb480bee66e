#include "collector/ingest/down.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::collector {
namespace {

model::SitePolicy site(std::vector<std::string> networks) {
  model::SitePolicy policy;
  model::Baseline& plain = policy.baselines.emplace_back();
  plain.name = "plain";
  plain.sources = {{model::Protocol::tcp, 1500, std::move(networks)}};
  policy.hosts.emplace_back().host = "*";
  policy.hosts.back().baseline = "plain";
  return policy;
}

model::CheckDefinition check(model::CheckKind kind, std::string target) {
  model::CheckDefinition definition;
  definition.check = {kind, std::move(target)};
  return definition;
}

TEST(Assignment, WithoutChecksAndFineRulesTheHostDecides) {
  EXPECT_TRUE(assignment_of(site({"10.0.0.0/24"}), "web1").digest.empty());
  EXPECT_TRUE(assignment_of({}, "web1").digest.empty());
}

// procedure M-08
TEST(Assignment, TellsTheHostOfWhichPortsItHasToTellAddresses) {
  model::SitePolicy policy = site({"10.0.0.16/28"});
  std::vector<model::CheckDefinition> assigned = assigned_checks(policy, "web1");
  ASSERT_EQ(assigned.size(), 1U);
  EXPECT_EQ(assigned[0].check, (model::CheckRef{model::CheckKind::sockets, ""}));
  EXPECT_EQ(assigned[0].exact_sources, "1500");
  EXPECT_TRUE(assigned[0].details_only);
  const Assignment before = assignment_of(policy, "web1");
  EXPECT_EQ(before.message.assign().checks_size(), 1);
  policy.baselines[0].sources[0].port = 1501;
  EXPECT_NE(assignment_of(policy, "web1").digest, before.digest);
}

TEST(Assignment, AddsThemToTheCheckThatThePolicyAssigns) {
  model::SitePolicy policy = site({"10.0.0.16/28"});
  policy.hosts[0].checks = {check(model::CheckKind::service, "ssh.service"),
                            check(model::CheckKind::sockets, "")};
  policy.hosts[0].checks[1].exact_sources = "22";
  const std::vector<model::CheckDefinition> assigned = assigned_checks(policy, "web1");
  ASSERT_EQ(assigned.size(), 2U);
  EXPECT_EQ(assigned[1].exact_sources, "22,1500");
  EXPECT_FALSE(assigned[1].details_only);
}

TEST(Assignment, NeverHasMoreChecksThanAHostMayHave) {
  model::SitePolicy policy = site({"10.0.0.16/28"});
  for (std::size_t i = 0; i < limits::kChecks; ++i) {
    policy.hosts[0].checks.push_back(
        check(model::CheckKind::service, "s" + std::to_string(i) + ".service"));
  }
  EXPECT_EQ(assigned_checks(policy, "web1").size(), limits::kChecks);
}

}  // namespace
}  // namespace tocsin::collector
