// What belongs together, and who confirms whom (procedure M-01, R-02).
#include "collector/core/correlate.hpp"

#include <gmock/gmock.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kTarget = "10.0.0.9";

std::string fact(const model::Incident& incident, const std::string& name) {
  for (const model::Parameter& p : incident.explanation.facts) {
    if (p.name == name) return p.value;
  }
  return "";
}

TEST(Correlate, OneTargetIsOneIncidentHoweverManyHostsMissIt) {
  Story story;
  for (const std::string host : {"a", "b", "c"}) {
    story.admit(host);
    story.sees(host, ping_of(kTarget, 0));
  }
  EXPECT_THAT(story.incident().findings, SizeIs(3));
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
}

// Hosts a1, a2 stand in rack A, b1 in rack B.
model::SitePolicy policy_with_racks() {
  model::SitePolicy policy = story_policy();
  for (const auto& [name, rack] :
       {std::pair{"a1", "A"}, std::pair{"a2", "A"}, std::pair{"b1", "B"}}) {
    model::HostPolicy host = policy.hosts[0];
    host.host = name;
    host.rack = rack;
    policy.hosts.push_back(host);
  }
  return policy;
}

// Severity: independent vantage points stand in different racks.
TEST(Correlate, TwoHostsOfOneRackDoNotConfirmEachOther) {
  Story story(policy_with_racks());
  for (const auto* host : {"a1", "a2", "b1"}) story.admit(host);
  story.sees("a1", ping_of(kTarget, 0));
  story.sees("a2", ping_of(kTarget, 0));
  EXPECT_EQ(fact(story.incident(), "confidence"), "suspected");
  story.at(1min).sees("b1", ping_of(kTarget, 0));
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
}

TEST(Correlate, WhereOneReachesItAMajorityConfirmsNothing) {
  Story story(policy_with_racks());
  for (const auto* host : {"a1", "a2", "b1"}) story.admit(host);
  story.sees("a1", ping_of(kTarget, 5));
  story.sees("a2", ping_of(kTarget, 0));
  story.sees("b1", ping_of(kTarget, 0));
  EXPECT_EQ(fact(story.incident(), "confidence"), "contradicted");
  story.at(24h);
  EXPECT_EQ(story.incident().peak, model::Severity::e);
}

// The first that sees it well again does not make the others' wait for stability a contradiction.
TEST(Correlate, ABreakThatEndsIsNotContradictedByItsEnd) {
  Story story;
  story.admit("a");
  story.admit("b");
  for (const auto* host : {"a", "b"}) story.sees(host, ping_of(kTarget, 0));
  story.at(5min).sees("a", ping_of(kTarget, 5));
  story.at(6min).sees("b", ping_of(kTarget, 5));
  story.at(20min + 30s);  // a has been good for long enough, b not yet.
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
  EXPECT_EQ(story.incident().live, model::Severity::c);
  story.at(21min);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Correlate, OneVantagePointAloneIsSuspectedAndConfirmedByTime) {
  Story story;
  story.admit("a");
  story.sees("a", ping_of(kTarget, 0));
  EXPECT_EQ(fact(story.incident(), "confidence"), "suspected");
  story.at(3min);
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
}

TEST(Correlate, AVantagePointThatReachesTheTargetContradictsTheOneThatDoesNot) {
  Story story;
  story.admit("a");
  story.admit("b");
  story.sees("b", ping_of(kTarget, 5));
  story.sees("a", ping_of(kTarget, 0));
  EXPECT_EQ(fact(story.incident(), "confidence"), "contradicted");
  EXPECT_EQ(story.incident().live, model::Severity::e);
  const auto told = story.told();
  EXPECT_THAT(told, Contains("opened E duty@example.tw"));
  story.at(1min).sees("b", ping_of(kTarget, 0));  // Now both miss it.
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
  EXPECT_EQ(story.incident().live, model::Severity::c);
  EXPECT_THAT(story.told(), Contains("worse C officer@example.tw"));
}

// Severity, "only one source exists": N looks suspect, 2N confirm; and time alone is no look.
TEST(ConfirmedAlone, NotByOneLookOfAnAgentThatFellSilent) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(1min).silent("web1");
  story.at(24h);
  const model::Incident failed = story.incidents()[0];
  ASSERT_EQ(failed.kind, "availability");
  EXPECT_EQ(fact(failed, "confidence"), "suspected");
  EXPECT_EQ(failed.peak, model::Severity::c);
  story.at(25h).heard("web1");
  story.at(25h + 39s);  // Its backlog may still say that it is over.
  EXPECT_EQ(fact(story.incidents()[0], "confidence"), "suspected");
  story.at(25h + 40s);  // It has looked again, and has nothing better to tell.
  EXPECT_EQ(fact(story.incidents()[0], "confidence"), "confirmed");
  EXPECT_EQ(story.incidents()[0].live, model::Severity::a);
}

TEST(ConfirmedAlone, NotByOneLookOfACheckThatIsSeldomRun) {
  model::SitePolicy policy = story_policy();
  model::CheckDefinition seldom;
  seldom.check = service_is("ssh.service", "").check;
  seldom.interval = 10min;
  seldom.deadline = 10s;
  policy.hosts[0].checks.push_back(seldom);
  Story story(policy);
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(20min + 19s);
  EXPECT_EQ(fact(story.incident(), "confidence"), "suspected");
  story.at(20min + 20s);
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
  story.at(30min);
  EXPECT_EQ(story.incident().live, model::Severity::b);
}

TEST(ConfirmedAlone, NotByACheckThatCannotTellAnyMore) {
  Story story;
  story.admit("web1");
  const model::Observation failed = service_is("ssh.service", "failed");
  story.sees("web1", failed);
  story.at(2min).sees("web1", cannot_see(failed.check));
  story.at(24h);
  EXPECT_EQ(fact(story.incident(), "confidence"), "suspected");
  EXPECT_EQ(story.incident().peak, model::Severity::c);
  story.sees("web1", failed);
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
}

// What has been seen for long enough stays believed, also where nobody can look any more.
TEST(ConfirmedAlone, StaysConfirmedWhenItsAgentFallsSilentLaterAndAfterARestart) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(4min).silent("web1");
  story.resume();
  story.at(30min);
  EXPECT_EQ(fact(story.incidents()[0], "confidence"), "confirmed");
  EXPECT_EQ(story.incidents()[0].live, model::Severity::b);
}

TEST(ConfirmedAlone, ARelapseBeginsAnew) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(5min).sees("web1", service_is("ssh.service", "active"));
  story.at(1h).sees("web1", service_is("ssh.service", "failed"));
  story.at(1h + 2min);
  EXPECT_EQ(fact(story.incident(), "confidence"), "suspected");
  story.at(1h + 3min);
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
}

// Who was silent all the time says that it is over: nobody saw how long it was so.
TEST(ConfirmedAlone, NotByItsEnd) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(1min).silent("web1");
  story.at(26h).heard("web1");
  story.sees("web1", service_is("ssh.service", "active"));
  story.at(27h);
  EXPECT_EQ(story.incidents()[0].peak, model::Severity::c);
}

// Procedure M-01: on confirmation, whatever grade it has then.
TEST(Correlate, TheNetworkGroupHearsOfABreakWhenItIsConfirmed) {
  model::SitePolicy policy = story_policy();
  model::ContactPolicy group = policy.contacts[0];
  group.name = "network";
  group.group = "network";
  group.address = "net@example.tw";
  policy.contacts.push_back(group);
  Story story(policy);
  story.admit("a");
  story.admit("b");
  story.sees("a", ping_of(kTarget, 0));
  EXPECT_THAT(story.told(), Not(Contains(::testing::HasSubstr("net@"))));
  story.at(1min).sees("b", ping_of(kTarget, 0));
  EXPECT_EQ(fact(story.incident(), "confidence"), "confirmed");
  EXPECT_EQ(story.incident().peak, model::Severity::c);
  EXPECT_THAT(story.told(), ElementsAre("opened C net@example.tw"));
  story.at(2min).sees("a", ping_of(kTarget, 0));
  EXPECT_THAT(story.told(), SizeIs(0));
}

model::SitePolicy policy_with_network_group() {
  model::SitePolicy policy = story_policy();
  model::ContactPolicy group = policy.contacts[0];
  group.name = "network";
  group.group = "network";
  group.address = "net@example.tw";
  policy.contacts.push_back(group);
  return policy;
}

std::vector<std::string> told_to_network(Story& story) {
  std::vector<std::string> lines = story.told();
  std::erase_if(lines, [](const std::string& line) { return line.find("net@") == line.npos; });
  return lines;
}

void deliver(Story& story) {
  for (const model::Notification& row : story.all_notifications()) {
    if (row.status != model::NotificationStatus::pending) continue;
    story.push(model::DeliveryOutcome{row.id, 1, model::DeliveryResult::delivered, {}});
  }
}

// Whoever heard nothing of a break need not hear that it is over.
TEST(Correlate, TheNetworkGroupHearsNoEndOfWhatItWasNotToldOf) {
  Story story(policy_with_network_group());
  story.admit("a");
  story.admit("b");
  story.sees("b", ping_of(kTarget, 5));
  story.sees("a", ping_of(kTarget, 0));  // Contradicted, and so never confirmed.
  story.asks({"r", {"lee", model::Role::officer, ""}, 0, "", model::RegisterIncident{{1}}});
  story.at(5min).sees("a", ping_of(kTarget, 5));
  story.at(1h);
  ASSERT_TRUE(story.incident().recovered);
  EXPECT_THAT(told_to_network(story), SizeIs(0));
}

TEST(Correlate, TheNetworkGroupHearsHowABreakEndsThatItWasToldOf) {
  Story story(policy_with_network_group());
  for (const std::string host : {"a", "b"}) {
    story.admit(host);
    story.sees(host, ping_of(kTarget, 0));
  }
  EXPECT_THAT(told_to_network(story), ElementsAre("opened C net@example.tw"));
  deliver(story);
  for (const std::string host : {"a", "b"}) story.at(5min).sees(host, ping_of(kTarget, 5));
  story.at(12min);
  deliver(story);
  story.at(1h);
  EXPECT_THAT(told_to_network(story),
              ElementsAre("registered C net@example.tw", "recovered C net@example.tw"));
}

TEST(Correlate, TheNetworkGroupHearsNoEndWhereTheNewsNeverWentOut) {
  Story story(policy_with_network_group());
  for (const std::string host : {"a", "b"}) {
    story.admit(host);
    story.sees(host, ping_of(kTarget, 0));
  }
  for (const std::string host : {"a", "b"}) story.at(1min).sees(host, ping_of(kTarget, 5));
  story.told();
  story.at(16min);
  ASSERT_TRUE(story.incident().recovered);
  const auto told = told_to_network(story);
  EXPECT_THAT(told, Not(Contains("recovered C net@example.tw")));
}

TEST(Correlate, AContradictedIncidentIsNotPagedBeyondTheFirstLine) {
  model::SitePolicy policy = story_policy();
  policy.contacts[1].at_least = model::Severity::e;
  Story story(policy);
  story.admit("a");
  story.admit("b");
  story.sees("b", ping_of(kTarget, 5));
  story.sees("a", ping_of(kTarget, 0));
  EXPECT_THAT(story.told(), ElementsAre("opened E duty@example.tw",
                                        "(opened E officer@example.tw contradicted)"));
}

TEST(Correlate, ManySilentAgentsAreOneIncidentOfTheSite) {
  Story story;
  for (int i = 0; i < 60; ++i) story.admit("host" + std::to_string(i));
  for (int i = 0; i < 20; ++i) {
    story.at(std::chrono::seconds(60 + i)).silent("host" + std::to_string(i));
  }
  story.at(2min);
  EXPECT_THAT(story.incident().findings, SizeIs(20));
  const auto told = story.told();
  EXPECT_EQ(std::count(told.begin(), told.end(), "opened E duty@example.tw"), 1);
}

// Rule E1 counts what came back within a day, not since the finding is known.
TEST(Correlate, ReturnsOfEarlierDaysAreNotCounted) {
  Story story;
  story.admit("web1");
  const auto facts_at = [&](Duration when) {
    story.at(when).sees("web1", service_is("ssh.service", "failed"));
    story.at(when + 2min);
    const std::string recurrences = fact(story.incidents().back(), "recurrences");
    story.at(when + 5min).sees("web1", service_is("ssh.service", "active"));
    return recurrences;
  };
  EXPECT_EQ(facts_at(0min), "0");
  EXPECT_EQ(facts_at(20h), "1");
  EXPECT_EQ(facts_at(40h), "2");
  EXPECT_EQ(facts_at(60h), "2");
  EXPECT_EQ(facts_at(61h), "3");
}

// Who may connect to port 22, and who does not come from there.
model::SitePolicy policy_with_sources() {
  model::SitePolicy policy = story_policy();
  model::SourceRule source;
  source.port = 22;
  source.networks = {"10.0.0.0/8"};
  policy.baselines[0].sources = {source};
  return policy;
}
void add_stranger(model::Observation& seen) {
  std::get<model::SocketsFacts>(seen.facts).peers = {
      {model::Protocol::tcp, 22, true, "203.0.113.0/24", 0, 1}};
}

// Severity rule C2: an access on a core asset is serious. Only a port waits for another sign.
TEST(Correlate, AnAccessOnACoreHostIsSerious) {
  Story story(policy_with_sources());
  model::Observation seen = ports_are({});
  add_stranger(seen);
  story.admit("web1");
  story.admit("core1");
  story.sees("web1", seen);
  EXPECT_EQ(story.incident().live, model::Severity::d);
  story.sees("core1", seen);
  ASSERT_THAT(story.incidents(), SizeIs(2));
  const model::Incident of_core =
      story.incidents()[0].host_name == "core1" ? story.incidents()[0] : story.incidents()[1];
  EXPECT_EQ(of_core.live, model::Severity::c);
  EXPECT_THAT(of_core.explanation.hits, Contains("C2"));
}

TEST(Correlate, APortOnACoreHostIsSeriousWithASecondSign) {
  Story story(policy_with_sources());
  story.admit("core1");
  model::Observation seen = ports_are({listener(4444, "/usr/bin/nc")});
  story.sees("core1", seen);
  EXPECT_EQ(story.incident().live, model::Severity::d);
  add_stranger(seen);
  story.at(1min).sees("core1", seen);
  EXPECT_EQ(story.incident().live, model::Severity::c);
  EXPECT_THAT(story.incident().explanation.hits, Contains("C2"));
}

TEST(Correlate, APlaceThatAnybodyCanWriteToMakesAPortSeriousAnywhere) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/tmp/x")}));
  EXPECT_EQ(story.incident().live, model::Severity::c);
}

// Severity rule A3: how many core hosts do not serve, however many incidents they have.
TEST(Correlate, CountsTheCoreHostsThatAreInterrupted) {
  model::SitePolicy policy = story_policy();
  policy.hosts.push_back(policy.hosts[1]);
  policy.hosts.back().host = "core2";
  Story story(policy);
  for (const auto* host : {"core1", "core2", "web1"}) {
    story.admit(host);
    story.sees(host, service_is("ssh.service", "failed"));
  }
  const auto interrupted = [&](std::size_t n) {
    return fact(story.incidents().at(n), "core_services_interrupted");
  };
  story.at(2min);
  EXPECT_EQ(interrupted(0), "");  // Not confirmed yet.
  story.at(30min);
  EXPECT_EQ(interrupted(1), "2");
  EXPECT_EQ(interrupted(2), "2");  // As web1's says, whose own service is none of them.
  story.sees("core1", service_is("ssh.service", "active"));
  story.at(24h);
  EXPECT_EQ(interrupted(1), "1");
}

TEST(Correlate, KindsAreNotMixed) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(2min);
  EXPECT_THAT(story.incidents(), SizeIs(2));
}

}  // namespace
}  // namespace tocsin::tests
