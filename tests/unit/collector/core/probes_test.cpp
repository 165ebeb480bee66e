// A service that its own host calls bad and that answers from outside (severity: corroboration).
#include "collector/core/probes.hpp"

#include <gmock/gmock.h>

#include "collector/core/decisions.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::probe_place;
using collector::ProbePlace;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kUrl = "http://10.0.0.9/health";

model::Observation answers(const std::string& url, bool well) {
  model::AnswerFacts facts;
  facts.url = url;
  facts.outcome = well ? model::AnswerOutcome::answered : model::AnswerOutcome::refused;
  return observation({model::CheckKind::answer, url}, facts);
}

std::string confidence_of(const model::Incident& incident) {
  for (const model::Parameter& p : incident.explanation.facts) {
    if (p.name == "confidence") return p.value;
  }
  return "";
}

// web1 runs nginx on port 80 and v1 probes it; all is well.
class Served : public Story {
 public:
  explicit Served(const std::string& url = kUrl) : Story(policy()) {
    for (const std::string host : {"web1", "v1"}) admit(host);
    sees("web1", service_is("nginx.service", "active"));
    model::Listener web = listener(80, "/usr/sbin/nginx");
    web.unit = "nginx.service";
    sees("web1", ports_are({web}));
    at(1min).sees("v1", answers(url, true));
    at(10min).told();
  }
  static model::SitePolicy policy() {
    model::SitePolicy site = story_policy();
    model::ListenerRule web;
    web.port = 80;
    site.baselines[0].listeners.push_back(web);
    model::HostPolicy host;
    host.host = "web1";
    host.baseline = "all";
    host.criticality = model::Criticality::standard;
    host.address = "10.0.0.9";
    site.hosts.push_back(host);
    return site;
  }
  void fails() {
    sees("web1", ports_are({}));
    sees("web1", service_is("nginx.service", "failed"));
  }
  void probe_says(bool well, const std::string& url = kUrl) {
    model::Observation seen = answers(url, well);
    seen.at = now();
    fact("v1", model::RequestResult{
                   requests().back().request.request_id, model::RequestOutcome::done, {}, {seen}});
  }
};

TEST(Probes, PlaceOfAUrl) {
  EXPECT_EQ(probe_place("http://10.0.0.9/x"), (ProbePlace{"10.0.0.9", 80}));
  EXPECT_EQ(probe_place("https://web1"), (ProbePlace{"web1", 443}));
  EXPECT_EQ(probe_place("https://[2001:db8::7]:8443/"), (ProbePlace{"2001:db8::7", 8443}));
  EXPECT_EQ(probe_place("tcp://10.0.0.9:5432"), (ProbePlace{"10.0.0.9", 5432}));
  EXPECT_EQ(probe_place("tcp://10.0.0.9:70000"), (ProbePlace{"10.0.0.9", 0}));
  EXPECT_EQ(probe_place("tcp://10.0.0.9"), (ProbePlace{"10.0.0.9", 0}));
  EXPECT_EQ(probe_place("https://[2001:db8::7"), ProbePlace{});
  EXPECT_EQ(probe_place("journal"), ProbePlace{});
}

TEST(Probes, WhoeverProbesABadServiceIsAskedToLookAgain) {
  Served story;
  EXPECT_THAT(story.requests(), IsEmpty());
  story.fails();
  ASSERT_THAT(story.requests(), SizeIs(1));
  EXPECT_EQ(story.requests()[0].agent, agent_of("v1"));
  const auto& look = std::get<model::CheckDefinition>(story.requests()[0].request.act);
  EXPECT_EQ(look.check, (model::CheckRef{model::CheckKind::answer, kUrl}));
}

TEST(Probes, AServiceThatAnswersFromOutsideIsContradictedAndGradeEAtMost) {
  Served story;
  story.fails();
  story.probe_says(true);
  EXPECT_EQ(story.world().number("counter/answers_not_asked_for"), 0U);
  story.at(12min);
  EXPECT_EQ(confidence_of(story.incident()), "contradicted");
  EXPECT_EQ(story.incident().live, model::Severity::e);
  EXPECT_THAT(story.told(), Contains("opened E duty@example.tw"));
  EXPECT_THAT(story.timeline({1}), Contains("service.answers"));
  const auto body = story.all_notifications().front().body;
  EXPECT_TRUE(std::any_of(body.begin(), body.end(),
                          [](const model::Message& m) { return m.code == "service.answers"; }));
  story.at(30h);
  EXPECT_EQ(story.incident().peak, model::Severity::e) << "time alone proves nothing here";
}

// It said "good" before the failure: that is no contradiction.
TEST(Probes, ALookFromBeforeTheFailureContradictsNothing) {
  Served story;
  story.fails();
  story.at(12min);
  EXPECT_EQ(confidence_of(story.incident()), "suspected");
  EXPECT_EQ(story.incident().live, model::Severity::c);
  story.at(14min);
  EXPECT_EQ(confidence_of(story.incident()), "confirmed");
}

TEST(Probes, AServiceThatDoesNotAnswerEitherIsConfirmedAtOnce) {
  Served story;
  story.fails();
  story.probe_says(false);
  story.at(11min);
  // The probe's own finding is the first incident.
  ASSERT_THAT(story.incidents(), SizeIs(2));
  EXPECT_EQ(story.incidents()[1].title.code, "service.failed");
  EXPECT_EQ(confidence_of(story.incidents()[1]), "confirmed");
}

TEST(Probes, AProbeThatFailsLaterEndsTheContradiction) {
  Served story;
  story.fails();
  story.probe_says(true);
  story.at(15min);
  ASSERT_EQ(story.incident().live, model::Severity::e);
  story.told();
  story.sees("v1", answers(kUrl, false));
  EXPECT_EQ(confidence_of(story.incidents()[0]), "confirmed");
  EXPECT_EQ(story.incidents()[0].live, model::Severity::c);
  EXPECT_THAT(story.told(), Contains("worse C officer@example.tw"));
}

TEST(Probes, APersonWhoConfirmsIsBelievedMoreThanAProbe) {
  Served story;
  story.fails();
  story.probe_says(true);
  story.at(12min);
  story.asks({"j",
              {"chen", model::Role::working_group, ""},
              0,
              "half of the site is gone",
              model::JudgeIncident{{1}, model::IncidentVerdict::fault}});
  EXPECT_EQ(confidence_of(story.incident()), "confirmed");
}

TEST(Probes, AProbeOfAnotherPortSaysNothingOfTheService) {
  Served story("http://10.0.0.9:8080/");
  story.fails();
  EXPECT_THAT(story.requests(), IsEmpty());
}

TEST(Probes, AProbeThatIsNotHeardIsNotAsked) {
  Served story;
  story.silent("v1");
  story.fails();
  EXPECT_THAT(story.requests(), IsEmpty());
}

TEST(Probes, WhatWasAskedSurvivesARestart) {
  Served story;
  story.fails();
  story.resume();
  story.probe_says(true);
  story.resume();
  story.at(12min);
  EXPECT_EQ(confidence_of(story.incident()), "contradicted");
}

}  // namespace
}  // namespace tocsin::tests
