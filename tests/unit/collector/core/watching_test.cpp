// A check that nobody runs any more says nothing: what it found is neither over nor goes on for
// ever. A person decides (procedure R-02, H-08).
#include <gmock/gmock.h>

#include "collector/core/inquiry.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const model::CheckRef kSsh{model::CheckKind::service, "ssh.service"};
const model::CheckRef kSockets{model::CheckKind::sockets, ""};
const model::Principal kOfficer{"lee", model::Role::officer, "f3"};

Story with_failed_service() {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(2min).told();
  return story;
}

model::Finding only_finding(const Story& story, const model::CheckRef& check) {
  const auto ids = story.world().findings_of(agent_of("web1"), check);
  EXPECT_THAT(ids, SizeIs(1));
  return *story.world().finding(ids.at(0));
}

model::Command close_as(const std::string& id, model::IncidentVerdict verdict) {
  return {id, kOfficer, 0, "because", model::CloseIncident{{1}, verdict}};
}

TEST(Watching, WhatIsNotWatchedAnyMoreIsNoRecovery) {
  Story story = with_failed_service();
  story.at(5min).sees("web1", ended(kSsh));
  const model::Incident incident = story.incident();
  EXPECT_TRUE(incident.undecided);
  EXPECT_FALSE(incident.recovered);
  EXPECT_EQ(incident.live, model::Severity::c);
  EXPECT_TRUE(only_finding(story, kSsh).unwatched);
  EXPECT_THAT(story.timeline({1}), Contains("incident.unwatched"));
  EXPECT_THAT(story.timeline({1}), Contains("incident.undecided"));
  EXPECT_THAT(story.told(),
              ElementsAre("undecided C duty@example.tw", "undecided C officer@example.tw"));
  story.at(48h);
  EXPECT_FALSE(story.incident().recovered);
  EXPECT_FALSE(story.incident().closed);
  EXPECT_EQ(story.incident().peak, model::Severity::c) << "nobody saw that it went on";
  EXPECT_THAT(story.told(), Contains("reminder C duty@example.tw"));
}

TEST(Watching, TheCheckLeavesThePageOfItsHost) {
  Story story = with_failed_service();
  story.sees("web1", ended(kSsh));
  EXPECT_THAT(story.world().hosts.find(agent_of("web1"))->checks, IsEmpty());
}

TEST(Watching, APersonClosesIt) {
  Story story = with_failed_service();
  EXPECT_EQ(story.asks(close_as("a", model::IncidentVerdict::fault)).detail.code,
            "command.still_bad");
  story.at(5min).sees("web1", ended(kSsh));
  EXPECT_EQ(story.asks(close_as("b", model::IncidentVerdict::fault)).outcome,
            model::CommandOutcome::done);
  EXPECT_TRUE(story.incident().closed);
}

// A push that takes a check away and one that gives it back are no second incident.
TEST(Watching, ACheckThatIsGivenBackRaisesNothingTwice) {
  Story story = with_failed_service();
  for (int push = 0; push < 5; ++push) {
    story.at(std::chrono::minutes(3 + 2 * push)).sees("web1", ended(kSsh));
    story.told();
    story.at(std::chrono::minutes(4 + 2 * push)).sees("web1", service_is("ssh.service", "failed"));
    EXPECT_FALSE(story.incident().undecided);
    EXPECT_THAT(story.incident().unwatched, IsEmpty());
    EXPECT_THAT(story.told(), Not(Contains(::testing::StartsWith("opened"))));
  }
  EXPECT_FALSE(story.incident().flapping) << "it was there all the time, as far as anybody knows";
  EXPECT_EQ(only_finding(story, kSsh).recurrences, 0U);
  EXPECT_THAT(story.timeline({1}), Contains("incident.watched_again"));
  EXPECT_EQ(story.incident().first_bad, kStoryBegins);
}

TEST(Watching, ALookThatSeesItWellLaterIsARecovery) {
  Story story = with_failed_service();
  story.at(5min).sees("web1", ended(kSsh));
  story.at(1h).sees("web1", service_is("ssh.service", "active"));
  EXPECT_FALSE(story.incident().undecided);
  EXPECT_FALSE(story.incident().recovered);
  story.at(1h + 15min);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Watching, WhatIsStillWatchedOfAnIncidentGoesOn) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.sees("web1", service_is("nginx.service", "failed"));
  story.at(2min);
  ASSERT_THAT(story.incident().findings, SizeIs(2));
  story.at(5min).sees("web1", ended(kSsh));
  EXPECT_FALSE(story.incident().undecided);
  story.at(10min).sees("web1", service_is("nginx.service", "active"));
  story.at(24min);
  EXPECT_FALSE(story.incident().undecided);
  story.at(25min);
  EXPECT_TRUE(story.incident().undecided) << "of the other nobody knows";
  EXPECT_FALSE(story.incident().recovered);
}

TEST(Watching, AnUndecidedIncidentSurvivesARestart) {
  Story story = with_failed_service();
  story.at(5min).sees("web1", ended(kSsh));
  const std::string before = story.state_bytes();
  story.resume();
  EXPECT_EQ(story.state_bytes(), before);
  story.at(30h);
  EXPECT_FALSE(story.incident().recovered) << "the finding is forgotten by now";
}

TEST(Watching, WhatWasNotWorthAnIncidentYetStaysAnEvent) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(30s).sees("web1", ended(kSsh));
  story.at(1h);
  EXPECT_THAT(story.incidents(), IsEmpty());
}

TEST(Watching, OneLineOfTheHistoryIsForAllThatACheckFound) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc"), listener(4445, "/usr/bin/nc")}));
  ASSERT_THAT(story.incident().findings, SizeIs(2));
  story.at(5min).sees("web1", ended(kSockets));
  const auto lines = story.timeline({1});
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "incident.unwatched"), 1);
  EXPECT_THAT(story.incident().unwatched, SizeIs(2));
}

// A host that is gone, or has a new key, shows nothing any more.
TEST(Watching, WhatARevokedAgentFoundIsNotWatchedAnyMore) {
  Story story = with_failed_service();
  story.asks({"r", kOfficer, 0, "gone", model::RevokeAgent{agent_of("web1")}});
  EXPECT_TRUE(story.incident().undecided);
  EXPECT_FALSE(story.incident().recovered);
}

// The policy does not name the host any more that nobody reached.
TEST(Watching, AHostThatThePolicyForgetsIsNotAskedAbout) {
  model::SitePolicy site = story_policy();
  model::HostPolicy db;
  db.host = "db1";
  db.baseline = "all";
  db.address = "10.0.0.9";
  site.hosts.push_back(db);
  Story story(site);
  for (const std::string host : {"db1", "v1", "v2"}) story.admit(host);
  story.silent("db1");
  const std::string question = story.own_looks().back().request_id;
  for (const std::string host : {"v1", "v2"}) {
    model::Observation miss = ping_of("10.0.0.9", 0);
    miss.at = story.now();
    story.fact(host, model::RequestResult{question, model::RequestOutcome::done, {}, {miss}});
  }
  story.at(collector::kAskAgain / 2);
  ASSERT_EQ(story.incident().title.code, "reach.host_down");
  story.heard("v1");
  site.hosts.pop_back();
  story.policy(site);
  const model::Incident incident = story.incident();
  EXPECT_THAT(incident.unwatched, SizeIs(1));
  EXPECT_FALSE(incident.recovered);
}

}  // namespace
}  // namespace tocsin::tests
