#include "common/config/starter_baseline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/config/site_policy.hpp"
#include "common/rules/judge.hpp"

namespace tocsin::config {
namespace {

using model::Listener;
using model::SocketsFacts;
using testing::HasSubstr;

Listener listener(std::uint16_t port, std::string executable) {
  Listener l;
  l.protocol = model::Protocol::tcp;
  l.address_class = model::AddressClass::any;
  l.address = "0.0.0.0";
  l.port = port;
  l.executable = std::move(executable);
  l.user = "root";
  l.executable_deleted = model::Tristate::no;
  l.executable_world_writable = model::Tristate::no;
  return l;
}

model::Baseline baseline_for(const SocketsFacts& facts) {
  const std::string toml = "[site]\nname = 'x'\n" + starter_baseline_toml(facts, "starter", 1);
  const auto policy = read_site_policy(toml, "starter");
  if (!policy) {
    ADD_FAILURE() << policy.error().message << "\n" << toml;
    return {};
  }
  return policy->baselines.at(0);
}

model::Verdict verdict(const SocketsFacts& facts, const model::Baseline& baseline) {
  const model::Observation observation{
      .check = {model::CheckKind::sockets, ""}, .detail = {}, .at = {}, .facts = facts};
  return rules::judge(observation, &baseline, {}).verdict;
}

TEST(StarterBaseline, ApprovesWhatIsThereAndNothingNew) {
  SocketsFacts facts;
  facts.listeners = {listener(22, "/usr/sbin/sshd"), listener(443, "/usr/sbin/nginx")};
  const model::Baseline baseline = baseline_for(facts);
  EXPECT_EQ(verdict(facts, baseline), model::Verdict::normal);
  facts.listeners.push_back(listener(4444, "/usr/bin/ncat"));
  EXPECT_EQ(verdict(facts, baseline), model::Verdict::abnormal);
}

TEST(StarterBaseline, DoesNotApproveAnotherProgramOnAKnownPort) {
  SocketsFacts facts;
  facts.listeners = {listener(443, "/usr/sbin/nginx")};
  const model::Baseline baseline = baseline_for(facts);
  facts.listeners[0].executable = "/tmp/x";
  EXPECT_EQ(verdict(facts, baseline), model::Verdict::abnormal);
}

TEST(StarterBaseline, OfAQuietHostApprovesNothing) {
  const model::Baseline baseline = baseline_for({});
  EXPECT_TRUE(baseline.has_listeners);
  SocketsFacts facts;
  facts.listeners = {listener(22, "/usr/sbin/sshd")};
  EXPECT_EQ(verdict(facts, baseline), model::Verdict::abnormal);
}

TEST(StarterBaseline, NeverProposesWhatIsDeletedInMemoryOrWritableByAnybody) {
  SocketsFacts facts;
  facts.listeners = {listener(1, "/tmp/x"), listener(2, "/memfd:x (deleted)"), listener(3, "/y")};
  facts.listeners[0].executable_world_writable = model::Tristate::yes;
  facts.listeners[2].executable_deleted = model::Tristate::yes;
  EXPECT_TRUE(baseline_for(facts).listeners.empty());
  EXPECT_EQ(verdict(facts, baseline_for(facts)), model::Verdict::abnormal);
  EXPECT_THAT(starter_baseline_toml(facts, "s", 1), HasSubstr("# Not proposed, look at it: tcp"));
}

TEST(StarterBaseline, NamesTheSameListenerOnceAndSaysWhatItCouldNotSee) {
  SocketsFacts facts;
  facts.listeners = {listener(80, "/a"), listener(80, "/a")};
  facts.listeners[1].address = "::";
  facts.owners_unknown = 2;
  facts.listeners_over_limit = 7;
  EXPECT_EQ(baseline_for(facts).listeners.size(), 1U);
  const std::string toml = starter_baseline_toml(facts, "s", 1);
  EXPECT_THAT(toml, HasSubstr("# 7 more listeners"));
  EXPECT_THAT(toml, HasSubstr("# The program behind 2 sockets"));
}

// A host's names must not become keys of the policy.
RC_GTEST_PROP(StarterBaselineProperty, IsAlwaysATableThatReads, ()) {
  SocketsFacts facts;
  const auto count = *rc::gen::inRange<std::size_t>(0, 5);
  for (std::size_t i = 0; i < count; ++i) {
    Listener l = listener(*rc::gen::arbitrary<std::uint16_t>(), *rc::gen::arbitrary<std::string>());
    l.user = *rc::gen::arbitrary<std::string>();
    l.unit = *rc::gen::arbitrary<std::string>();
    if (*rc::gen::arbitrary<bool>()) l.executable_deleted = model::Tristate::yes;
    facts.listeners.push_back(std::move(l));
  }
  const std::string toml = "[site]\nname = 'x'\n" + starter_baseline_toml(facts, "starter", 1);
  const auto policy = read_site_policy(toml, "starter");
  RC_LOG() << toml;
  RC_ASSERT(policy.has_value());
  RC_ASSERT(policy->baselines.size() == 1U);
  RC_ASSERT(policy->baselines[0].listeners.size() <= count);
}

}  // namespace
}  // namespace tocsin::config
