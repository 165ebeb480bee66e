// The collector that hears nobody suspects itself first.
#include "collector/core/darkness.hpp"

#include <gmock/gmock.h>

#include "collector/core/inquiry.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string name_of(int host) { return "host" + std::to_string(host); }

// `hosts` agents, each with an address in the policy where `addresses`.
Story room_of(int hosts, bool addresses = false) {
  model::SitePolicy site = story_policy();
  for (int i = 0; addresses && i < hosts; ++i) {
    model::HostPolicy host;
    host.host = name_of(i);
    host.baseline = "all";
    host.address = "10.0.0." + std::to_string(i);
    site.hosts.push_back(host);
  }
  model::ContactPolicy group = site.contacts[0];
  group.name = "network";
  group.group = "network";
  group.address = "net@example.tw";
  site.contacts.push_back(group);
  Story story(site);
  for (int i = 0; i < hosts; ++i) story.admit(name_of(i));
  return story;
}

// They fall silent within a heartbeat of five seconds.
void fall_silent(Story& story, int from, int to) {
  const Instant begin = story.now();
  for (int i = from; i < to; ++i) {
    story.at(begin - kStoryBegins + 5s * (i - from) / (to - from)).silent(name_of(i));
  }
}

std::string own_view_of(const model::Incident& incident) {
  return incident.title.parameters.back().value;
}

TEST(Darkness, AllAgentsSilentAtOnceIsOneIncidentOfTheCollector) {
  Story story = room_of(50);
  story.at(10min);
  fall_silent(story, 0, 50);
  story.at(12min);
  const model::Incident incident = story.incident();
  EXPECT_EQ(incident.title.code, "collector.dark");
  EXPECT_EQ(incident.host_name, "story");
  EXPECT_EQ(incident.kind, "network");
  EXPECT_THAT(incident.findings, SizeIs(51));
  EXPECT_EQ(incident.live, model::Severity::c);
  EXPECT_THAT(incident.explanation.facts, Contains(model::Parameter{"confidence", "suspected"}));
  const auto told = story.told();
  EXPECT_EQ(std::count(told.begin(), told.end(), "opened C duty@example.tw"), 1);
  EXPECT_THAT(told, Not(Contains(StartsWith("opened E"))));
  EXPECT_THAT(told, Not(Contains(::testing::HasSubstr("net@example.tw"))));
}

TEST(Darkness, ItIsASuspicionHoweverLongUntilAPersonConfirms) {
  Story story = room_of(5);
  fall_silent(story, 0, 5);
  story.at(5h);
  EXPECT_EQ(story.incident().live, model::Severity::c);
  story.asks({"j",
              {"chen", model::Role::working_group, ""},
              0,
              "the switch is dead",
              model::JudgeIncident{story.incident().id, model::IncidentVerdict::fault}});
  EXPECT_EQ(story.incident().live, model::Severity::b);
}

TEST(Darkness, SomeThatAreHeardMakeItASilenceOfMany) {
  Story story = room_of(20);
  fall_silent(story, 0, 15);
  story.at(1min);
  EXPECT_EQ(story.incident().title.code, "agent.silent");
  EXPECT_EQ(story.incident().live, model::Severity::e);
}

TEST(Darkness, HostsThatWereSilentBeforeAreNoPartOfIt) {
  Story story = room_of(6);
  for (int i = 0; i < 4; ++i) story.at(std::chrono::minutes(20 * i)).silent(name_of(i));
  story.at(2h).silent(name_of(4));
  story.silent(name_of(5));
  story.at(3h);
  for (const model::Incident& incident : story.incidents()) {
    EXPECT_NE(incident.title.code, "collector.dark");
  }
}

TEST(Darkness, EndsWhenAgentsAreHeardAndSaysWhoIsStillSilent) {
  Story story = room_of(10);
  fall_silent(story, 0, 10);
  story.at(2min);
  ASSERT_THAT(story.incidents(), SizeIs(1));
  story.told();
  for (int i = 0; i < 9; ++i) story.heard(name_of(i));
  story.at(3min);
  ASSERT_THAT(story.incidents(), SizeIs(2));
  EXPECT_EQ(story.incidents()[1].title.code, "agent.silent");
  EXPECT_EQ(story.incidents()[1].host_name, name_of(9));
  EXPECT_THAT(story.told(), Contains("opened E duty@example.tw"));
  story.at(20min);
  EXPECT_TRUE(story.incidents()[0].recovered);
  EXPECT_FALSE(story.incidents()[1].recovered);
}

TEST(Darkness, SaysWhatTheCollectorsOwnLooksShow) {
  Story story = room_of(4, true);
  fall_silent(story, 0, 4);
  story.at(10s);
  EXPECT_EQ(own_view_of(story.incident()), "@own_view.unknown");
  const auto looks = story.own_looks();
  ASSERT_THAT(looks, SizeIs(4));
  for (const model::Request& asked : looks) {
    model::Observation seen = ping_of(std::get<model::CheckDefinition>(asked.act).check.target, 0);
    std::get<model::PingFacts>(seen.facts).gateway_reachable = model::Tristate::no;
    seen.at = story.now();
    story.push(model::CollectorLook{asked.request_id, seen});
  }
  story.at(1min);
  EXPECT_EQ(own_view_of(story.incident()), "@own_view.cut_off");
  EXPECT_THAT(story.incident().findings, SizeIs(5));
}

// Two agents beside the collector's switch still speak, and nobody reaches the others.
TEST(Darkness, WhatTheLastOnesCannotReachEitherIsPartOfItAndConfirmed) {
  Story story = room_of(30, true);
  fall_silent(story, 0, 28);
  story.at(6s);
  std::vector<collector::AgentRequest> asked = story.requests();
  story.at(7s);
  for (const collector::AgentRequest& request : asked) {
    const bool speaks =
        request.agent == agent_of(name_of(28)) || request.agent == agent_of(name_of(29));
    const auto& check = std::get<model::CheckDefinition>(request.request.act).check;
    if (!speaks) continue;
    model::Observation seen = ping_of(check.target, 0);
    seen.at = story.now();
    for (const int host : {28, 29}) {
      if (request.agent != agent_of(name_of(host))) continue;
      story.fact(name_of(host),
                 model::RequestResult{
                     request.request.request_id, model::RequestOutcome::done, {}, {seen}});
    }
  }
  story.at(2min);
  EXPECT_THAT(story.incidents(), SizeIs(1));
  EXPECT_THAT(story.incidents()[0].explanation.facts,
              Contains(model::Parameter{"confidence", "confirmed"}));
  EXPECT_THAT(story.told(), Contains("opened C net@example.tw"));
}

TEST(Darkness, SurvivesARestartAtEachStep) {
  Story through = room_of(5);
  Story restarted = room_of(5);
  for (Story* story : {&through, &restarted}) {
    const bool again = story == &restarted;
    fall_silent(*story, 0, 5);
    if (again) story->resume();
    story->at(8s);
    if (again) story->resume();
    story->at(1min);
    for (int i = 0; i < 5; ++i) story->heard(name_of(i));
    if (again) story->resume();
    story->at(1h);
  }
  EXPECT_EQ(through.state_bytes(), restarted.state_bytes());
}

}  // namespace
}  // namespace tocsin::tests
