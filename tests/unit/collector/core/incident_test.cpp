// The life of an incident by stories: from the first finding to its end, and who was told.
#include "collector/core/incident.hpp"

#include <gmock/gmock.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kProgram = "/usr/bin/nc";

model::Observation answer_of(const std::string& url, model::AnswerOutcome outcome) {
  model::AnswerFacts facts;
  facts.url = url;
  facts.outcome = outcome;
  return observation({model::CheckKind::answer, url}, facts);
}

model::Command ask(const std::string& id, const std::string& who, model::Role role,
                   decltype(model::Command::act) act, std::uint64_t seen_revision = 0) {
  return {id, {who, role, ""}, seen_revision, "", std::move(act)};
}

TEST(Incident, AnUnexpectedPortIsOneProvisionalIncidentAndDutyIsTold) {
  Story story;
  story.admit("web1");
  story.at(1min).sees("web1", ports_are({listener(4444, kProgram)}));
  const model::Incident incident = story.incident();
  EXPECT_EQ(incident.number, "");
  EXPECT_EQ(incident.kind, "logical_access");
  EXPECT_EQ(incident.live, model::Severity::d);
  EXPECT_EQ(incident.host_name, "web1");
  EXPECT_THAT(incident.explanation.hits, Contains("D3"));
  EXPECT_THAT(story.told(), ElementsAre("opened D duty@example.tw",
                                        "(opened D officer@example.tw below_threshold)"));
}

TEST(Incident, FindingsOfOneKindThatBeginTogetherAreOneIncidentAndTellOnce) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  story.told();
  story.at(5min).sees("web1", ports_are({listener(4444, kProgram), listener(4445, kProgram)}));
  EXPECT_THAT(story.incident().findings, SizeIs(2));
  EXPECT_THAT(story.told(), IsEmpty());
  story.at(30min).sees("web1", ports_are({listener(4444, kProgram), listener(4445, kProgram),
                                          listener(4446, kProgram)}));
  EXPECT_THAT(story.incidents(), SizeIs(2));
  EXPECT_THAT(story.told(), Contains("opened D duty@example.tw"));
}

TEST(Incident, AServiceThatIsBackWithinTheMinimumIsAnEventOnly) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(50s).sees("web1", service_is("ssh.service", "active"));
  story.at(1h);
  EXPECT_THAT(story.incidents(), IsEmpty());
  EXPECT_THAT(story.told(), IsEmpty());
}

// procedure M-01: a look that lost packets is confirmed by the next one.
TEST(Incident, PacketsThatOneLookLostAreAnEventOnly) {
  Story story;
  story.admit("web1");
  story.sees("web1", ping_of("10.0.0.9", 2));
  story.at(31s).sees("web1", ping_of("10.0.0.9", 5));
  story.at(1h);
  EXPECT_THAT(story.incidents(), IsEmpty());
  EXPECT_THAT(story.told(), IsEmpty());
}

TEST(Incident, PacketsThatTheNextLookLosesTooAreAnIncident) {
  Story story;
  story.admit("web1");
  story.sees("web1", ping_of("10.0.0.9", 2));
  story.at(39s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(40s);  // A look's interval and its deadline.
  EXPECT_EQ(story.incident().title.code, "ping.loss.high");
}

// procedure M-01: what two hosts see of a third is one incident, and that host's.
TEST(Incident, LossAndDelayOfAHostOfThePolicyAreThatHosts) {
  for (const bool delay : {false, true}) {
    model::SitePolicy site = story_policy();
    model::HostPolicy print;
    print.host = "nt-print";
    print.address = "10.0.0.9";
    site.hosts.push_back(print);
    Story story(site);
    story.admit("web1");
    story.admit("web2");
    model::Observation seen = ping_of("10.0.0.9", delay ? 5 : 2);
    if (delay) std::get<model::PingFacts>(seen.facts).rtt_avg_us = 900'000;
    story.sees("web1", seen);
    story.sees("web2", seen);
    story.at(1min);
    EXPECT_EQ(story.incident().title.code, delay ? "ping.rtt.high" : "ping.loss.high");
    EXPECT_EQ(story.incident().host_name, "nt-print");
    EXPECT_THAT(story.incidents(), SizeIs(1));
  }
}

// procedure M-03: whoever asks while a service is being restarted gets no answer.
TEST(Incident, AServiceThatOneProbeFoundSilentIsAnEventOnly) {
  Story story;
  story.admit("web1");
  story.sees("web1", answer_of("http://10.0.0.9:80/", model::AnswerOutcome::refused));
  story.at(31s).sees("web1", answer_of("http://10.0.0.9:80/", model::AnswerOutcome::answered));
  story.at(1h);
  EXPECT_THAT(story.incidents(), IsEmpty());
  EXPECT_THAT(story.told(), IsEmpty());
}

TEST(Incident, AServiceThatTheNextProbeFindsSilentTooIsAnIncident) {
  Story story;
  story.admit("web1");
  story.sees("web1", answer_of("http://10.0.0.9:80/", model::AnswerOutcome::refused));
  story.at(39s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(40s);
  EXPECT_EQ(story.incident().title.code, "answer.failed");
}

TEST(Incident, HowLongUntilTheNextLookIsTheAssignedInterval) {
  model::SitePolicy site = story_policy();
  model::HostPolicy host;
  host.host = "web1";
  host.baseline = "all";
  model::CheckDefinition often;
  often.check = {model::CheckKind::ping, "10.0.0.9"};
  often.interval = 4s;
  often.deadline = 2s;
  host.checks.push_back(often);
  site.hosts.push_back(host);
  Story story(site);
  story.admit("web1");
  story.sees("web1", ping_of("10.0.0.9", 2));
  story.at(5s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(6s);
  EXPECT_EQ(story.incident().title.code, "ping.loss.high");
}

TEST(Incident, AServiceThatStaysDownGoesFromCToBAndToAByTimeAlone) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(59s);
  EXPECT_THAT(story.incidents(), IsEmpty());
  story.at(61s);
  EXPECT_EQ(story.incident().live, model::Severity::c);
  EXPECT_EQ(story.incident().first_bad, kStoryBegins);
  EXPECT_THAT(story.told(), ElementsAre("opened C duty@example.tw", "opened C officer@example.tw"));
  story.at(29min + 59s);
  EXPECT_EQ(story.incident().live, model::Severity::c);
  story.told();
  story.at(30min);  // SHORT
  EXPECT_EQ(story.incident().live, model::Severity::b);
  EXPECT_THAT(story.told(), ElementsAre("worse B duty@example.tw", "worse B officer@example.tw"));
  story.at(24h);  // DAY
  EXPECT_EQ(story.incident().live, model::Severity::a);
  EXPECT_THAT(story.told(), Contains("worse A officer@example.tw"));
}

TEST(Incident, GradeCIsRegisteredByItselfAfterTheTimeLimitAndDIsNot) {
  Story story;
  story.admit("web1");
  story.admit("web2");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.sees("web2", ports_are({listener(4444, kProgram)}));
  story.at(10min + 59s);
  EXPECT_EQ(story.incidents()[1].number, "");
  story.at(11min);
  EXPECT_EQ(story.incidents()[1].number, "SI-115-0001");
  EXPECT_EQ(story.incidents()[1].registered_by.name, "");
  EXPECT_THAT(story.told(), Contains("registered C officer@example.tw"));
  story.at(48h);
  EXPECT_EQ(story.incidents()[0].number, "");
}

TEST(Incident, RecoversWhenAllHasBeenGoodForAWhile) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(5min).sees("web1", service_is("ssh.service", "active"));
  story.at(19min + 59s);
  EXPECT_FALSE(story.incident().recovered);
  EXPECT_EQ(story.incident().live, model::Severity::c);
  story.told();
  story.at(20min);
  EXPECT_EQ(story.incident().recovered, kStoryBegins + 20min);
  EXPECT_EQ(story.incident().live, model::Severity::none);
  EXPECT_EQ(story.incident().peak, model::Severity::c);
  EXPECT_THAT(story.told(),
              ElementsAre("recovered C duty@example.tw", "recovered C officer@example.tw"));
  story.at(72h);
  EXPECT_THAT(story.told(), IsEmpty());
}

TEST(Incident, ADurationStopsWhenTheServiceIsBack) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(25min).sees("web1", service_is("ssh.service", "active"));
  story.at(39min);  // Not yet stable, but it was bad for 25 minutes only.
  EXPECT_EQ(story.incident().peak, model::Severity::c);
}

TEST(Incident, AFlappingServiceIsOneIncidentThatTellsOnceAndDoesNotRecover) {
  Story story;
  story.admit("web1");
  for (int minute = 0; minute < 60; minute += 4) {
    story.at(std::chrono::minutes(minute)).sees("web1", service_is("ssh.service", "failed"));
    story.at(std::chrono::minutes(minute + 2)).sees("web1", service_is("ssh.service", "active"));
  }
  const model::Incident incident = story.incident();
  EXPECT_FALSE(incident.recovered);
  const auto told = story.told();
  EXPECT_EQ(std::count(told.begin(), told.end(), "opened C duty@example.tw"), 1);
  EXPECT_THAT(told, Not(Contains("recovered C duty@example.tw")));
  const auto lines = story.timeline(incident.id);
  EXPECT_THAT(std::count(lines.begin(), lines.end(), "incident.flapping"), ::testing::Le(2));
  EXPECT_THAT(lines, Contains("incident.flapping"));
}

TEST(Incident, ARelapseReopensTheSameIncidentAndTellsAgain) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(5min).sees("web1", service_is("ssh.service", "active"));
  story.at(2h);
  ASSERT_TRUE(story.incident().recovered);
  story.told();
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(2h + 2min);
  EXPECT_FALSE(story.incident().recovered);
  EXPECT_EQ(story.incident().first_bad, kStoryBegins + 2h);
  EXPECT_THAT(story.told(), ElementsAre("opened C duty@example.tw", "opened C officer@example.tw"));
  EXPECT_THAT(story.timeline(story.incident().id), Contains("incident.relapsed"));
}

TEST(Incident, WhatNobodyRegisteredIsClosedADayAfterItRecovered) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  story.at(5min).sees("web1", ports_are({}));
  story.at(20min + 24h);
  EXPECT_EQ(story.incident().closed, kStoryBegins + 20min + 24h);
  EXPECT_THAT(story.world().incidents.rows(), IsEmpty());
  story.at(25h).sees("web1", ports_are({listener(4444, kProgram)}));
  EXPECT_THAT(story.incidents(), SizeIs(2));
}

TEST(Incident, RemindsUntilSomebodyAcknowledges) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(2min).told();
  story.at(32min);
  story.told();
  story.at(60min);  // Grade B since 30 min: every 15 min.
  EXPECT_THAT(story.told(), Contains("reminder B duty@example.tw"));
  const model::Incident incident = story.incident();
  const auto answer = story.asks(
      ask("c1", "wang", model::Role::duty, model::Acknowledge{incident.id}, incident.revision));
  EXPECT_EQ(answer.outcome, model::CommandOutcome::done);
  story.told();
  story.at(10h);
  for (const std::string& line : story.told()) {
    EXPECT_TRUE(line.starts_with("estimate_needed")) << line;
  }
}

TEST(Incident, GettingWorseAsksAgainOfSomebodyWhoAcknowledged) {
  Story story;
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(2min);
  story.asks(ask("c1", "wang", model::Role::duty, model::Acknowledge{story.incident().id}));
  story.at(31min);
  EXPECT_FALSE(story.incident().acknowledged);
  EXPECT_EQ(story.incident().live, model::Severity::b);
  story.told();
  story.at(50min);
  EXPECT_THAT(story.told(), Contains("reminder B duty@example.tw"));
}

// procedure M-09: merely unusual at first, then one that anyone could have put there. It is graded
// by what it is now, and what people read first says so.
TEST(Incident, AFindingThatTurnsOutToBeGraverIsGradedAnew) {
  model::SitePolicy policy = story_policy();
  policy.baselines[0].has_processes = true;
  Story story(policy);
  story.admit("web1");
  model::ProcessesFacts facts;
  facts.groups.resize(1);
  facts.groups[0].name = "tool";
  facts.groups[0].executable = "/srv/tool";
  facts.groups[0].count = 1;
  facts.groups[0].executable_deleted = model::Tristate::no;
  facts.groups[0].executable_world_writable = model::Tristate::no;
  const auto look = [&] {
    story.sees("web1", observation({model::CheckKind::processes, ""}, facts));
  };
  look();
  EXPECT_EQ(story.incident().live, model::Severity::e);
  story.told();
  facts.groups[0].executable_world_writable = model::Tristate::yes;
  story.at(1min);
  look();
  EXPECT_THAT(story.incidents(), SizeIs(1));
  EXPECT_EQ(story.incident().live, model::Severity::c);
  EXPECT_THAT(story.incident().title.parameters,
              Contains(model::Parameter{"why", "@why.world_writable @why.outside"}));
  EXPECT_THAT(story.told(), Contains("worse C duty@example.tw"));
  EXPECT_FALSE(story.incident().flapping);
  // Another name of the same program changes nothing that people have to hear.
  facts.groups[0].name = "other";
  story.at(2min);
  look();
  EXPECT_THAT(story.told(), IsEmpty());
}

TEST(Incident, WhatWasOverBeforeItWasKnownIsRecordedAndNobodyIsPaged) {
  Story story;
  story.admit("web1");
  story.at(5h);
  // Cut off for hours; the backlog comes in one go.
  story.sees("web1", service_is("ssh.service", "failed"), 3h);
  story.sees("web1", service_is("ssh.service", "active"), 2h);
  const model::Incident incident = story.incident();
  EXPECT_EQ(incident.first_bad, kStoryBegins + 2h);
  EXPECT_EQ(incident.recovered, kStoryBegins + 3h);
  EXPECT_EQ(incident.peak, model::Severity::b);  // Down for an hour.
  story.at(30h);
  for (const std::string& line : story.told()) {
    EXPECT_TRUE(line.find("already_over") != line.npos || line.starts_with("registered")) << line;
  }
}

TEST(Incident, ALateFactThatStillHoldsPagesAndCountsFromWhenItWasTrue) {
  Story story;
  story.admit("web1");
  story.at(5h).sees("web1", service_is("ssh.service", "failed"), 3h);
  EXPECT_THAT(story.told(), IsEmpty());
  story.at(5h + 10s);
  EXPECT_EQ(story.incident().first_bad, kStoryBegins + 2h);
  EXPECT_EQ(story.incident().live, model::Severity::b);
  EXPECT_THAT(story.told(), Contains("opened B duty@example.tw"));
}

TEST(Incident, ASilentAgentIsAnIncidentUntilItIsHeard) {
  Story story;
  story.admit("web1");
  story.at(10min).silent("web1");
  EXPECT_EQ(story.incident().kind, "agent_silence");
  EXPECT_EQ(story.incident().live, model::Severity::e);
  EXPECT_THAT(story.told(), Contains("opened E duty@example.tw"));
  story.at(20min).heard("web1");
  story.at(35min);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Incident, ASuspectedCloneStaysOpenUntilItsKeyIsRevoked) {
  Story story;
  story.admit("web1");
  story.presence("web1", model::Presence::clone_suspected);
  EXPECT_EQ(story.incident().kind, "logical_access");
  story.at(1min).heard("web1");
  story.at(2h);
  EXPECT_FALSE(story.incident().recovered);
  story.asks(ask("r", "root", model::Role::admin, model::RevokeAgent{agent_of("web1")}));
  story.at(2h + 15min);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Incident, NumbersHaveNoGapsAndStartAnewWithTheYearOfTheSite) {
  Story story;
  for (const std::string host : {"a", "b", "c"}) {
    story.admit(host);
    story.sees(host, ports_are({listener(4444, kProgram)}));
  }
  const auto incidents = story.incidents();
  const auto number = [&](std::size_t i) {
    story.asks(ask("r" + std::to_string(i), "lee", model::Role::officer,
                   model::RegisterIncident{incidents[i].id}));
    return story.incidents()[i].number;
  };
  EXPECT_EQ(number(0), "SI-115-0001");
  EXPECT_EQ(number(1), "SI-115-0002");
  story.at(24h * 50);  // January 2027
  EXPECT_EQ(number(2), "SI-116-0001");
}

// More findings than an incident counts: their number is kept, and none of them is taken for over.
TEST(Incident, FindingsBeyondTheLimitAreCountedAndNotForgotten) {
  const std::string target = "10.0.0.9";
  model::SitePolicy site = story_policy();
  model::HostPolicy scanned;
  scanned.host = "db1";
  scanned.baseline = "all";
  scanned.address = target;
  site.hosts.push_back(scanned);
  Story story(site);
  constexpr int kHosts = 6;  // Of one look 56 findings are told apart.
  constexpr int kPorts = 50;
  model::PortScanFacts scan;
  scan.address = target;
  scan.complete = true;
  for (int host = 0; host < kHosts; ++host) {
    const std::string name = "h" + std::to_string(host);
    story.admit(name);
    scan.open.clear();
    for (int port = 0; port < kPorts; ++port) {
      scan.open.push_back(static_cast<std::uint16_t>(2000 + host * kPorts + port));
    }
    story.sees(name, observation({model::CheckKind::port_scan, target}, scan));
  }
  const model::Incident incident = story.incident();
  EXPECT_THAT(incident.findings, SizeIs(256));
  EXPECT_EQ(incident.more_findings, 44U);
  story.at(5h);
  const auto body = story.all_notifications().back().body;  // of a reminder
  const model::Message more{"notify.more_findings", {{"count", "294"}}};
  EXPECT_THAT(body, Contains(more)) << "all but the title and the five that are in the mail";
  // Nobody sees any more what was counted; what did not fit is still there.
  scan.open.erase(scan.open.begin(), scan.open.begin() + 6);
  story.sees("h5", observation({model::CheckKind::port_scan, target}, scan));
  scan.open.clear();
  scan.closed = 1000;
  for (int host = 0; host < kHosts - 1; ++host) {
    story.sees("h" + std::to_string(host),
               observation({model::CheckKind::port_scan, target}, scan));
  }
  story.at(6h);
  EXPECT_FALSE(story.incident().recovered);
  EXPECT_EQ(story.incident().live, model::Severity::d);
  story.sees("h5", observation({model::CheckKind::port_scan, target}, scan));
  story.at(7h);
  EXPECT_TRUE(story.incident().recovered);
}

TEST(Incident, PersonsConfirmByRegisteringAndAnAcknowledgementComesWithIt) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, kProgram)}));
  story.asks(ask("r", "lee", model::Role::officer, model::RegisterIncident{story.incident().id}));
  EXPECT_EQ(story.incident().acknowledged_by.name, "lee");
  EXPECT_EQ(story.incident().registered_by.name, "lee");
  story.told();
  story.at(48h);
  EXPECT_THAT(story.told(), IsEmpty());
}

}  // namespace
}  // namespace tocsin::tests
