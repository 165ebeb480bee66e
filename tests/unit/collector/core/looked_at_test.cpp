#include "collector/core/looked_at.hpp"

#include <gtest/gtest.h>

#include "tests/support/story.hpp"

namespace tocsin::collector {
namespace {

using model::CheckKind;

TEST(LookedAt, IsTheAddressInTheTarget) {
  EXPECT_EQ(address_looked_at({CheckKind::ping, "10.20.0.7"}), "10.20.0.7");
  EXPECT_EQ(address_looked_at({CheckKind::port_scan, "2001:db8::7"}), "2001:db8::7");
  EXPECT_EQ(address_looked_at({CheckKind::answer, "https://10.20.0.7:8080/health"}), "10.20.0.7");
  EXPECT_EQ(address_looked_at({CheckKind::answer, "tls://[2001:db8::7]:443"}), "2001:db8::7");
  EXPECT_EQ(address_looked_at({CheckKind::answer, "http://10.20.0.7"}), "10.20.0.7");
  EXPECT_EQ(address_looked_at({CheckKind::login, "ssh://10.20.0.7:22"}), "10.20.0.7");
}

TEST(LookedAt, ItsOwnHostAndLoopbackAreNoOther) {
  EXPECT_EQ(address_looked_at({CheckKind::login, "local"}), "");
  EXPECT_EQ(address_looked_at({CheckKind::answer, "tcp://127.0.0.1:80"}), "");
  EXPECT_EQ(address_looked_at({CheckKind::answer, "tcp://[::1]:80"}), "");
  EXPECT_EQ(address_looked_at({CheckKind::answer, "http://["}), "");
  EXPECT_EQ(address_looked_at({CheckKind::service, "10.20.0.7"}), "");
}

model::Observation answer_of(const std::string& target, model::AnswerOutcome outcome) {
  model::AnswerFacts facts;
  facts.outcome = outcome;
  model::Observation seen;
  seen.check = {CheckKind::answer, target};
  seen.facts = facts;
  return seen;
}

// What web1 sees of another host is that host's incident, and one, whoever else sees it.
TEST(LookedAt, AnIncidentIsOfTheHostThatWasLookedAt) {
  model::SitePolicy policy = tests::story_policy();
  model::HostPolicy old;
  old.host = "nt-print";
  old.address = "10.20.0.9";
  policy.hosts.push_back(old);
  tests::Story story(policy);
  story.admit("web1");
  story.admit("web2");
  const auto failed = answer_of("tcp://10.20.0.9:515", model::AnswerOutcome::refused);
  story.at(1min).sees("web1", failed);
  story.at(2min).sees("web2", failed);
  story.at(3min).sees("web1", tests::service_is("ssh.service", "failed"));
  story.at(6min).push(model::Tick{});
  const auto& incidents = story.world().incidents.rows();
  ASSERT_EQ(incidents.size(), 2U);
  EXPECT_EQ(incidents.begin()->second.host_name, "nt-print");
  EXPECT_EQ(incidents.begin()->second.findings.size(), 2U);
  EXPECT_EQ(incidents.rbegin()->second.host_name, "web1") << "its own trouble is its own";
}

}  // namespace
}  // namespace tocsin::collector
