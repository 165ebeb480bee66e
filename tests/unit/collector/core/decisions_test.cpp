// What people decide about an incident, by stories with a fast clock, and what must hold whatever
// is asked in whatever order.
#include "collector/core/decisions.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using model::CommandOutcome;
using model::IncidentVerdict;
using model::Role;
using model::Severity;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Act = decltype(model::Command::act);

const model::Principal kDuty{"wang", Role::duty, "f1"};
const model::Principal kGroup{"chen", Role::working_group, "f2"};
const model::Principal kOfficer{"lee", Role::officer, "f3"};
const model::Principal kCommittee{"board", Role::committee, "f4"};
const model::Principal kAdmin{"root", Role::admin, "f5"};

model::Command order(const std::string& id, const model::Principal& who, Act act,
                     const std::string& reason = "because", std::uint64_t seen = 0) {
  return {id, who, seen, reason, std::move(act)};
}

Story with_failed_service(const std::string& host = "web1") {
  Story story;
  story.admit(host);
  story.sees(host, service_is("ssh.service", "failed"));
  story.at(2min).told();
  return story;
}

Story with_open_port() {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  story.told();
  return story;
}

// Procedure R-02: one vantage point alone is a suspicion until a person confirms it.
TEST(Decisions, AConfirmedIncidentIsBelieved) {
  Story story = with_failed_service("core1");
  EXPECT_THAT(story.incident().explanation.facts,
              Contains(model::Parameter{"confidence", "suspected"}));
  const auto answer =
      story.asks(order("j", kGroup, model::JudgeIncident{{1}, IncidentVerdict::fault}));
  EXPECT_EQ(answer.outcome, CommandOutcome::done);
  const model::Incident incident = story.incident();
  EXPECT_EQ(incident.verdict, IncidentVerdict::fault);
  EXPECT_EQ(incident.verdict_decided, (model::Decided{kGroup, story.now(), "because"}));
  EXPECT_THAT(incident.explanation.facts, Contains(model::Parameter{"confidence", "confirmed"}));
  EXPECT_EQ(answer.revision, incident.revision);
  EXPECT_THAT(story.timeline({1}), Contains("incident.judged"));
}

// False alarms burn no numbers, are not reminded of, and those who were told hear the correction.
TEST(Decisions, AFalseAlarmIsCorrectedOnceAndLeavesPeopleAlone) {
  Story story = with_failed_service();
  story.asks(order("j", kGroup, model::JudgeIncident{{1}, IncidentVerdict::false_alarm}));
  EXPECT_THAT(story.told(),
              ElementsAre("corrected C duty@example.tw", "corrected C officer@example.tw"));
  story.asks(order("k", kGroup, model::JudgeIncident{{1}, IncidentVerdict::false_alarm}, "again"));
  EXPECT_THAT(story.told(), IsEmpty());
  story.at(29min);
  EXPECT_EQ(story.incident().number, "");
  EXPECT_THAT(story.told(), IsEmpty());
}

TEST(Decisions, FactsThatExceedAFalseAlarmAreToldAndAskForReview) {
  Story story = with_failed_service();
  story.asks(order("j", kGroup, model::JudgeIncident{{1}, IncidentVerdict::false_alarm}));
  story.told();
  story.at(30min);  // SHORT: grade B
  EXPECT_TRUE(story.incident().needs_review);
  EXPECT_THAT(story.told(), Contains("worse B duty@example.tw"));
  EXPECT_THAT(story.timeline({1}), Contains("incident.needs_review"));
}

// Procedure S-02, S-04: the three grades are three fields, and a change is told.
TEST(Decisions, AnApprovedGradeStandsBesideTheFactsOwn) {
  Story story = with_failed_service();
  story.asks(order("a", kGroup, model::ApproveGrade{{1}, Severity::d}, "test machine"));
  const model::Incident incident = story.incident();
  EXPECT_EQ(incident.approved, Severity::d);
  EXPECT_EQ(incident.live, Severity::c);
  EXPECT_EQ(incident.peak, Severity::c);
  EXPECT_EQ(incident.explanation.proposed, Severity::c);
  EXPECT_EQ(collector::grade_in_force(incident), Severity::d);
  // The officer asked for C and worse, and was told of a C: the fall is told too.
  EXPECT_THAT(story.told(), ElementsAre("graded D duty@example.tw", "graded D officer@example.tw"));
}

TEST(Decisions, AnApprovedGradeDoesNotSilentlyHoldAgainstWorseFacts) {
  Story story = with_failed_service();
  story.asks(order("a", kGroup, model::ApproveGrade{{1}, Severity::d}));
  story.told();
  story.at(30min);
  EXPECT_TRUE(story.incident().needs_review);
  EXPECT_EQ(story.incident().approved, Severity::d);
  EXPECT_EQ(collector::grade_in_force(story.incident()), Severity::b);
  EXPECT_THAT(story.told(), Contains("worse B officer@example.tw"));
  story.asks(order("b", kOfficer, model::ApproveGrade{{1}, Severity::b}));
  EXPECT_FALSE(story.incident().needs_review);
}

// Procedure P-08, P-09: what concerns A is the officer's, and the committee hears of it then.
TEST(Decisions, TheOfficerConfirmsAnAAndTheCommitteeIsToldOnlyThen) {
  model::SitePolicy policy = story_policy();
  model::ContactPolicy committee = policy.contacts[0];
  committee.role = Role::committee;
  committee.address = "board@example.tw";
  committee.at_least = Severity::a;
  policy.contacts.push_back(committee);
  Story story(policy);
  story.admit("web1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(24h);
  EXPECT_THAT(story.told(), Contains("(worse A board@example.tw awaits_officer)"));
  EXPECT_EQ(story.asks(order("g", kGroup, model::ApproveGrade{{1}, Severity::a})).detail.code,
            "command.not_permitted");
  EXPECT_EQ(story.asks(order("o", kOfficer, model::ApproveGrade{{1}, Severity::a})).outcome,
            CommandOutcome::done);
  EXPECT_THAT(story.told(), Contains("graded A board@example.tw"));
  EXPECT_EQ(story.asks(order("g2", kGroup, model::ApproveGrade{{1}, Severity::b})).detail.code,
            "command.not_permitted");
  story.asks(order("o2", kOfficer, model::ApproveGrade{{1}, Severity::b}));
  EXPECT_THAT(story.told(), Contains("graded B board@example.tw"));
}

// Procedure P-04; severity rules A1 and B2.
TEST(Decisions, AnEstimateRaisesTheGradeAtOnce) {
  Story story = with_failed_service("core1");
  story.at(4min);  // confirmed by lasting
  EXPECT_EQ(story.incident().live, Severity::c);
  story.told();
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 6h}, "disk ordered"));
  EXPECT_EQ(story.incident().live, Severity::b);
  EXPECT_THAT(story.told(), Contains("worse B officer@example.tw"));
  story.asks(order("f", kDuty, model::EstimateRepair{{1}, 24h}));
  EXPECT_EQ(story.incident().live, Severity::a);
  EXPECT_EQ(story.incident().estimate->revisions, 1U);
}

TEST(Decisions, AnOptimisticEstimateDoesNotKeepAGradeDown) {
  Story story = with_failed_service("core1");
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 1h}));
  story.at(24h);
  EXPECT_EQ(story.incident().live, Severity::a);
}

// Procedure G-03: nobody notices a date that passes in silence.
TEST(Decisions, AnEstimateThatPassesIsSaidAndAskedForAgain) {
  Story story = with_failed_service();
  story.asks(order("a", kDuty, model::Acknowledge{{1}}));
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 20min}));
  story.at(21min).told();
  story.at(22min - 1s);
  EXPECT_THAT(story.told(), IsEmpty());
  story.at(22min);
  EXPECT_THAT(story.told(),
              ElementsAre("overdue C duty@example.tw", "overdue C officer@example.tw"));
  EXPECT_THAT(story.timeline({1}), Contains("incident.overdue"));
  story.at(51min).told();
  story.at(52min);
  EXPECT_THAT(story.told(), Contains("overdue B duty@example.tw"));
  const auto lines = story.timeline({1});
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "incident.overdue"), 1);
  story.asks(order("f", kDuty, model::EstimateRepair{{1}, 3h}));
  story.at(3h).told();
  story.at(3h + 51min);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("overdue"))));
  story.at(3h + 52min);
  EXPECT_THAT(story.told(), Contains("overdue B duty@example.tw"));
}

TEST(Decisions, ARepairInTimeIsNotOverdue) {
  Story story = with_failed_service();
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 1h}));
  story.at(30min).sees("web1", service_is("ssh.service", "active"));
  story.at(20h);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("overdue"))));
}

// Rule B3, procedure P-04: the first line is asked every half an hour, whoever has it.
TEST(Decisions, AnOutageWithoutAnEstimateAsksForOne) {
  Story story = with_failed_service();
  story.at(31min);
  ASSERT_THAT(story.incident().explanation.hits, Contains("B3"));
  story.asks(order("a", kDuty, model::Acknowledge{{1}}));
  story.told();
  story.at(60min);
  EXPECT_THAT(story.told(), ElementsAre("estimate_needed B duty@example.tw"));
  story.at(90min);
  EXPECT_THAT(story.told(), ElementsAre("estimate_needed B duty@example.tw"));
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 10h}));
  story.at(10h);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("estimate_needed"))));
}

TEST(Decisions, NobodyIsAskedAboutARepairOfAFalseAlarm) {
  Story story = with_failed_service();
  story.asks(order("j", kGroup, model::JudgeIncident{{1}, IncidentVerdict::false_alarm}));
  story.told();
  story.at(20h);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("estimate_needed"))));
}

TEST(Decisions, AnEstimateThatIsNoneIsRefused) {
  Story story = with_failed_service();
  for (const Duration wrong : {Duration{}, Duration{-1min}, Duration{91 * 24h}}) {
    const std::string id = "e" + std::to_string(wrong.count());
    EXPECT_EQ(story.asks(order(id, kDuty, model::EstimateRepair{{1}, wrong})).detail.code,
              "command.estimate_out_of_range");
  }
  EXPECT_FALSE(story.incident().estimate);
}

// Procedure H-08: a registered incident is closed by a person once it has been good for long
// enough.
TEST(Decisions, ARegisteredIncidentIsClosedByAPersonAfterTheStabilityWindow) {
  Story story = with_failed_service();
  story.asks(order("r", kDuty, model::RegisterIncident{{1}}));
  const auto close = [&](const std::string& id) {
    return story.asks(
        order(id, kOfficer, model::CloseIncident{{1}, IncidentVerdict::fault}, "disk"));
  };
  EXPECT_EQ(close("c1").detail.code, "command.still_bad");
  story.at(10min).sees("web1", service_is("ssh.service", "active"));
  story.at(24min + 59s);
  EXPECT_EQ(close("c2").detail.code, "command.not_quiet");
  story.at(30 * 24h);
  EXPECT_FALSE(story.incident().closed);  // not by itself
  EXPECT_EQ(close("c3").outcome, CommandOutcome::done);
  const model::Incident incident = story.incident();
  EXPECT_EQ(incident.closed, story.now());
  EXPECT_EQ(incident.closed_decided.reason, "disk");
  EXPECT_EQ(incident.verdict, IncidentVerdict::fault);
  EXPECT_EQ(close("c4").outcome, CommandOutcome::not_found);
}

// A host that is gone, or has a new key, will never show that it is good again.
TEST(Decisions, WhatARevokedAgentLeftBehindCanBeClosed) {
  Story story = with_failed_service();
  story.asks(order("r", kDuty, model::RegisterIncident{{1}}));
  const auto close = [&](const std::string& id) {
    return story.asks(
        order(id, kOfficer, model::CloseIncident{{1}, IncidentVerdict::fault}, "dismantled"));
  };
  EXPECT_EQ(close("c1").detail.code, "command.still_bad");
  story.asks(order("gone", kOfficer, model::RevokeAgent{agent_of("web1")}));
  EXPECT_FALSE(story.incident().recovered) << "nobody has seen that it is good";
  EXPECT_EQ(close("c2").outcome, CommandOutcome::done);
  EXPECT_TRUE(story.incident().closed);
}

TEST(Decisions, AnIncidentThatComesBackAfterItsEndIsANewOne) {
  Story story = with_failed_service();
  story.asks(order("r", kDuty, model::RegisterIncident{{1}}));
  story.at(10min).sees("web1", service_is("ssh.service", "active"));
  story.at(1h);
  story.asks(order("c", kOfficer, model::CloseIncident{{1}, IncidentVerdict::fault}));
  story.told();
  story.at(2h).sees("web1", service_is("ssh.service", "failed"));
  story.at(3h);
  ASSERT_EQ(story.incidents().size(), 2U);
  EXPECT_EQ(story.incidents()[1].first_bad, kStoryBegins + 2h);
  EXPECT_THAT(story.told(), Contains("opened C duty@example.tw"));
}

// Procedure P-06, D-05: a security incident has a number; a fault of one host needs none.
TEST(Decisions, ASecurityIncidentIsRegisteredBeforeItsEndAndAFaultNeedNotBe) {
  Story story = with_open_port();
  story.at(5min).sees("web1", ports_are({}));
  story.at(1h);
  const auto answer =
      story.asks(order("c", kOfficer, model::CloseIncident{{1}, IncidentVerdict::security}));
  EXPECT_EQ(answer.detail.code, "command.not_registered");
  EXPECT_EQ(
      story.asks(order("d", kOfficer, model::CloseIncident{{1}, IncidentVerdict::fault})).outcome,
      CommandOutcome::done);
  EXPECT_EQ(story.incident().number, "");
}

TEST(Decisions, AFalseAlarmIsClosedThoughTheSignIsStillThere) {
  Story story = with_open_port();
  const auto answer = story.asks(
      order("c", kOfficer, model::CloseIncident{{1}, IncidentVerdict::false_alarm}, "new service"));
  EXPECT_EQ(answer.outcome, CommandOutcome::done);
  EXPECT_THAT(story.told(), Contains("corrected D duty@example.tw"));
  story.at(48h);
  EXPECT_THAT(story.told(), IsEmpty());
}

TEST(Decisions, ItIsNotClosedWithoutSayingWhatItWas) {
  Story story = with_open_port();
  story.at(5min).sees("web1", ports_are({}));
  story.at(1h);
  EXPECT_EQ(story.asks(order("c", kOfficer, model::CloseIncident{{1}})).detail.code,
            "command.verdict_needed");
  story.asks(order("j", kGroup, model::JudgeIncident{{1}, IncidentVerdict::fault}));
  EXPECT_EQ(story.asks(order("d", kOfficer, model::CloseIncident{{1}})).outcome,
            CommandOutcome::done);
}

// Procedure P-08, P-09.
TEST(Decisions, TheOfficerClosesBelowAAndTheCommitteeA) {
  Story story = with_failed_service();
  story.asks(order("r", kDuty, model::RegisterIncident{{1}}));
  story.at(25h).sees("web1", service_is("ssh.service", "active"));
  story.at(26h);
  ASSERT_EQ(story.incident().peak, Severity::a);
  const Act close = model::CloseIncident{{1}, IncidentVerdict::fault};
  int count = 0;
  for (const model::Principal& who : {kDuty, kGroup, kAdmin, kOfficer}) {
    EXPECT_EQ(story.asks(order("c" + std::to_string(++count), who, close)).detail.code,
              "command.not_permitted")
        << who.name;
  }
  EXPECT_EQ(story.asks(order("c", kCommittee, close)).outcome, CommandOutcome::done);
}

TEST(Decisions, EveryDecisionNeedsAReasonAndAnOpenIncident) {
  Story story = with_failed_service();
  const std::vector<Act> acts{model::JudgeIncident{{1}, IncidentVerdict::confirmed},
                              model::ApproveGrade{{1}, Severity::c},
                              model::CloseIncident{{1}, IncidentVerdict::fault}};
  int count = 0;
  for (const Act& act : acts) {
    EXPECT_EQ(story.asks(order("n" + std::to_string(++count), kOfficer, act, "")).detail.code,
              "command.reason_needed");
  }
  EXPECT_EQ(
      story.asks(order("x", kOfficer, model::JudgeIncident{{9}, IncidentVerdict::fault})).outcome,
      CommandOutcome::not_found);
  EXPECT_EQ(story.asks(order("y", kOfficer, model::ApproveGrade{{1}, Severity::none})).detail.code,
            "command.grade_needed");
}

TEST(Decisions, AConflictNamesWhoChangedTheIncident) {
  Story story = with_failed_service();
  const std::uint64_t seen = story.incident().revision;
  story.asks(order("a", kGroup, model::ApproveGrade{{1}, Severity::d}));
  const auto late =
      story.asks(order("b", kOfficer, model::ApproveGrade{{1}, Severity::b}, "x", seen));
  EXPECT_EQ(late.outcome, CommandOutcome::conflict);
  EXPECT_EQ(late.conflict_with, kGroup);
  EXPECT_EQ(late.revision, story.incident().revision);
  EXPECT_EQ(story.incident().approved, Severity::d);
}

TEST(Decisions, AllOfItIsKeptOverARestart) {
  Story story = with_failed_service();
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 6h}));
  story.asks(order("a", kGroup, model::ApproveGrade{{1}, Severity::d}));
  const model::Incident before = story.incident();
  story.resume();
  story.at(29min);
  const model::Incident after = story.incident();
  EXPECT_EQ(after.approved_decided, before.approved_decided);
  EXPECT_EQ(after.estimate, before.estimate);
  EXPECT_EQ(after.decided_basis, before.decided_basis);
}

// Procedure H-11: what is past its time goes, what is open stays however old it is.
TEST(Records, OfIncidentsClosedLongAgoAreForgotten) {
  model::SitePolicy policy = story_policy();
  policy.keep_closed = 30 * 24h;
  Story story(policy);
  story.admit("web1");
  story.admit("web2");
  story.sees("web2", ports_are({listener(4444, "/usr/bin/nc")}));
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(5min).sees("web1", service_is("ssh.service", "active"));
  story.at(1h).asks(order("c", kOfficer, model::CloseIncident{{2}, IncidentVerdict::fault}));
  ASSERT_TRUE(story.incidents()[1].closed);
  story.at(30 * 24h).heard("web1");
  EXPECT_EQ(story.incidents().size(), 2U);
  story.at(30 * 24h + 3h).heard("web1");
  ASSERT_EQ(story.incidents().size(), 1U);
  EXPECT_EQ(story.incidents()[0].host_name, "web2");
  EXPECT_TRUE(story.timeline({2}).empty());
}

// Severity, section 5: one message when it begins to come and go, then a digest, never a storm.
TEST(Flapping, IsOneIncidentWithOneMessageAndADigestEveryHalfHour) {
  Story story;
  story.admit("web1");
  for (int minute = 0; minute < 180; minute += 4) {
    story.at(std::chrono::minutes(minute)).sees("web1", service_is("ssh.service", "failed"));
    story.at(std::chrono::minutes(minute + 2)).sees("web1", service_is("ssh.service", "active"));
  }
  EXPECT_TRUE(story.incident().flapping);
  const auto told = story.told();
  const auto times = [&](const std::string& line) {
    return std::count_if(told.begin(), told.end(),
                         [&](const std::string& one) { return one.starts_with(line); });
  };
  EXPECT_EQ(times("flapping B duty@"), 5);
  EXPECT_EQ(times("flapping C duty@"), 1);
  EXPECT_EQ(times("opened C duty@"), 1);
  EXPECT_EQ(times("recovered"), 0);
}

TEST(Flapping, EndsWhenItIsQuietAndThenItRecovers) {
  Story story;
  story.admit("web1");
  for (int minute = 0; minute < 12; minute += 4) {
    story.at(std::chrono::minutes(minute)).sees("web1", service_is("ssh.service", "failed"));
    story.at(std::chrono::minutes(minute + 2)).sees("web1", service_is("ssh.service", "active"));
  }
  ASSERT_TRUE(story.incident().flapping);
  story.told();
  story.at(24min + 59s);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("recovered"))));
  story.at(25min);
  EXPECT_FALSE(story.incident().flapping);
  EXPECT_THAT(story.told(), Contains("recovered C duty@example.tw"));
}

TEST(Flapping, ManyFindingsThatReturnAtOnceAreOneReturn) {
  Story story;
  story.admit("web1");
  const auto all = ports_are({listener(4444, "/usr/bin/nc"), listener(4445, "/usr/bin/nc"),
                              listener(4446, "/usr/bin/nc")});
  story.sees("web1", all);
  story.at(2min).sees("web1", ports_are({}));
  story.at(4min).sees("web1", all);
  EXPECT_FALSE(story.incident().flapping);
}

TEST(Flapping, WhoHasTakenItOverIsNotToldAgain) {
  Story story = with_failed_service();
  story.asks(order("a", kDuty, model::Acknowledge{{1}}));
  story.told();
  for (int minute = 4; minute < 24; minute += 4) {
    story.at(std::chrono::minutes(minute)).sees("web1", service_is("ssh.service", "active"));
    story.at(std::chrono::minutes(minute + 2)).sees("web1", service_is("ssh.service", "failed"));
  }
  EXPECT_TRUE(story.incident().flapping);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("flapping"))));
}

// Any command of any role about any incident, seen or not.
rc::Gen<model::Command> any_command() {
  const auto incident = rc::gen::map(rc::gen::inRange<std::uint64_t>(0, 4),
                                     [](std::uint64_t id) { return IncidentId{id}; });
  const auto verdict = rc::gen::element(IncidentVerdict::undetermined, IncidentVerdict::confirmed,
                                        IncidentVerdict::false_alarm, IncidentVerdict::fault,
                                        IncidentVerdict::security);
  const auto severity = rc::gen::element(Severity::none, Severity::e, Severity::d, Severity::c,
                                         Severity::b, Severity::a);
  const auto hours = rc::gen::inRange<std::int64_t>(-1, 3000);
  return rc::gen::map(
      rc::gen::tuple(
          rc::gen::inRange(0, 6), incident, verdict, severity, hours,
          rc::gen::elementOf(std::vector<Role>(model::kRoles.begin(), model::kRoles.end())),
          rc::gen::inRange<std::uint64_t>(0, 5), rc::gen::inRange(0, 12),
          rc::gen::element<std::string>("", "why")),
      [](const auto& drawn) {
        const auto& [kind, id, judged, grade, hour, role, seen, number, why] = drawn;
        const std::array<Act, 6> acts{model::Acknowledge{id},
                                      model::RegisterIncident{id},
                                      model::JudgeIncident{id, judged},
                                      model::ApproveGrade{id, grade},
                                      model::EstimateRepair{id, std::chrono::hours(hour)},
                                      model::CloseIncident{id, judged}};
        return model::Command{"c" + std::to_string(number),
                              {"someone", role, ""},
                              seen,
                              why,
                              acts.at(static_cast<std::size_t>(kind))};
      });
}

// Whatever is asked in whatever order: each command has one answer for ever, what is not done
// changes no incident, a revision grows with every decision, and the grades stay in their order.
RC_GTEST_PROP(DecisionsProperty, AnyCommandsGiveOneAnswerEachAndOnlyWhatIsDoneChanges,
              (std::vector<std::uint8_t> minutes)) {
  const auto commands = *rc::gen::container<std::vector<model::Command>>(any_command());
  Story story;
  story.admit("web1");
  story.admit("core1");
  story.sees("web1", service_is("ssh.service", "failed"));
  story.sees("core1", ports_are({listener(4444, "/tmp/x")}));
  std::map<std::string, model::CommandResult> answers;
  Duration at = 2min;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (i < minutes.size()) at += std::chrono::minutes(minutes[i]);
    story.at(at);
    if (i % 3 == 2) {
      story.sees("web1", service_is("ssh.service", i % 2 == 0 ? "failed" : "active"));
      story.sees("core1", ports_are({}));
    }
    const auto before = story.incidents();
    const auto answer = story.asks(commands[i]);
    const auto after = story.incidents();
    const auto [known, is_new] = answers.emplace(commands[i].id, answer);
    RC_ASSERT(known->second == answer);
    const bool done = is_new && answer.outcome == CommandOutcome::done;
    if (!done) RC_ASSERT(before == after);
    RC_ASSERT(before.size() == after.size());
    for (std::size_t n = 0; n < after.size(); ++n) {
      RC_ASSERT(after[n].revision >= before[n].revision);
      RC_ASSERT(after[n].peak >= before[n].peak);
      RC_ASSERT(after[n].peak >= after[n].live);
    }
    if (is_new && answer.outcome == CommandOutcome::conflict) RC_ASSERT(answer.revision > 0U);
  }
}

}  // namespace
}  // namespace tocsin::tests
