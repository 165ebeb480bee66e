// A worse grade that a rule only proposes (severity rules A2, A4, B0 and B1 of a support service)
// is put to whoever may assent, once, and the question stands until somebody decides.
#include <algorithm>

#include <gmock/gmock.h>

#include "collector/core/decisions.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::awaits_assent;
using model::Role;
using model::Severity;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const model::Principal kDuty{"wang", Role::duty, "f1"};
const model::Principal kOfficer{"lee", Role::officer, "f3"};

model::Command order(const std::string& id, const model::Principal& who,
                     decltype(model::Command::act) act) {
  return {id, who, 0, "because", std::move(act)};
}

// The officer hears of grade A only; host help1 is a support host.
model::SitePolicy policy_for_a() {
  model::SitePolicy policy = story_policy();
  policy.contacts[1].at_least = Severity::a;
  model::HostPolicy support = policy.hosts[0];
  support.host = "help1";
  support.criticality = model::Criticality::support;
  policy.hosts.push_back(support);
  return policy;
}

Story failed_for_five_minutes(const std::string& host, model::SitePolicy policy = policy_for_a()) {
  Story story(std::move(policy));
  story.admit(host);
  story.sees(host, service_is("ssh.service", "failed"));
  story.at(5min).told();
  return story;
}

std::vector<std::string> questions(Story& story) {
  std::vector<std::string> lines = story.told();
  std::erase_if(lines, [](const std::string& line) { return line.find("asked") == line.npos; });
  return lines;
}

std::size_t times(const std::vector<std::string>& lines, const std::string& line) {
  return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), line));
}

// Row A4, procedure P-08: the grade stays B until somebody assents, and the officer is asked.
TEST(Assent, AnEstimateOfADayAsksTheOfficerForAnAOnce) {
  Story story = failed_for_five_minutes("web1");
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 24h}));
  EXPECT_EQ(story.incident().live, Severity::b);
  EXPECT_EQ(story.incident().asked, Severity::a);
  EXPECT_EQ(story.incident().asked_at, story.now());
  EXPECT_THAT(questions(story), ElementsAre("asked B officer@example.tw"));
  EXPECT_THAT(story.timeline({1}), Contains("incident.asked"));
  story.asks(order("f", kDuty, model::EstimateRepair{{1}, 30h}));
  story.at(10h);
  EXPECT_THAT(questions(story), IsEmpty());
  EXPECT_EQ(times(story.timeline({1}), "incident.asked"), 1U);
  EXPECT_TRUE(awaits_assent(story.incident()));
}

// Row "A2, needs human assent if crit = support".
TEST(Assent, ADayOfASupportServiceAsksForAnA) {
  Story story = failed_for_five_minutes("help1");
  story.at(24h - 1min);
  EXPECT_EQ(story.incident().live, Severity::c);
  // Row B1: half an hour asked for a B, which this officer does not want to hear of.
  EXPECT_THAT(questions(story), ElementsAre("(asked C officer@example.tw below_threshold)"));
  story.at(24h);
  EXPECT_EQ(story.incident().live, Severity::c);
  EXPECT_THAT(questions(story), ElementsAre("asked C officer@example.tw"));
  story.at(72h);
  EXPECT_THAT(questions(story), IsEmpty());
}

TEST(Assent, WhoMayNotAssentIsNotAsked) {
  model::SitePolicy policy = policy_for_a();
  for (const auto& [role, group, address] :
       {std::tuple{Role::working_group, "", "group@"},
        std::tuple{Role::working_group, "network", "net@"},
        std::tuple{Role::committee, "", "board@"}, std::tuple{Role::auditor, "", "auditor@"}}) {
    model::ContactPolicy contact = policy.contacts[0];
    contact.name = contact.address = address;
    contact.role = role;
    contact.group = group;
    policy.contacts.push_back(contact);
  }
  Story story = failed_for_five_minutes("help1", policy);
  story.at(30min);  // A B may be the working group's.
  EXPECT_THAT(questions(story),
              ElementsAre("(asked C officer@example.tw below_threshold)", "asked C group@"));
  story.at(24h);  // An A is the officer's.
  EXPECT_THAT(questions(story), ElementsAre("asked C officer@example.tw"));
}

TEST(Assent, WithoutAnOfficerTheFirstLineIsAsked) {
  model::SitePolicy policy = policy_for_a();
  policy.contacts.pop_back();
  Story story = failed_for_five_minutes("web1", policy);
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 24h}));
  EXPECT_THAT(questions(story), ElementsAre("asked B duty@example.tw"));
}

TEST(Assent, TheMailSaysWhatIsAskedAndHowToAnswer) {
  Story story = failed_for_five_minutes("web1");
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 24h}));
  const model::Notification asked = story.all_notifications().back();
  ASSERT_EQ(asked.reason, "asked");
  EXPECT_THAT(asked.subject.parameters, Contains(model::Parameter{"asked", "A"}));
  const auto line = [&](const std::string& code) {
    const auto found = std::find_if(asked.body.begin(), asked.body.end(),
                                    [&](const model::Message& m) { return m.code == code; });
    return found == asked.body.end() ? model::Message{} : *found;
  };
  EXPECT_THAT(line("notify.asked").parameters, Contains(model::Parameter{"severity", "A"}));
  EXPECT_THAT(line("notify.next.approve").parameters, Contains(model::Parameter{"severity", "A"}));
}

TEST(Assent, ADecisionEndsTheQuestionWhicheverItIs) {
  for (const Severity decision : {Severity::a, Severity::b}) {
    Story story = failed_for_five_minutes("web1");
    story.asks(order("e", kDuty, model::EstimateRepair{{1}, 24h}));
    ASSERT_TRUE(awaits_assent(story.incident()));
    story.at(6min).asks(order("o", kOfficer, model::ApproveGrade{{1}, decision}));
    EXPECT_FALSE(awaits_assent(story.incident()));
    story.told();
    story.asks(order("f", kDuty, model::EstimateRepair{{1}, 48h}));
    EXPECT_THAT(questions(story), IsEmpty());
  }
}

TEST(Assent, AFalseAlarmAsksNobody) {
  Story story = failed_for_five_minutes("help1");
  story.asks(order("j", kOfficer, model::JudgeIncident{{1}, model::IncidentVerdict::false_alarm}));
  story.told();
  story.at(10h);  // Rows B1 and A2 of a support service: its grade stays C.
  EXPECT_EQ(story.incident().asked, Severity::none);
  EXPECT_THAT(questions(story), IsEmpty());
}

TEST(Assent, TheQuestionComesWithTheReviewOfAFalseAlarm) {
  Story story = failed_for_five_minutes("web1");
  story.asks(order("j", kOfficer, model::JudgeIncident{{1}, model::IncidentVerdict::false_alarm}));
  story.told();
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 24h}));
  EXPECT_TRUE(story.incident().needs_review);
  EXPECT_THAT(story.told(), Contains("asked B officer@example.tw"));
}

TEST(Assent, SurvivesARestartAndIsNotAskedAgain) {
  Story story = failed_for_five_minutes("help1");
  story.at(24h);
  ASSERT_TRUE(awaits_assent(story.incident()));
  story.told();
  story.resume();
  story.at(30h);
  EXPECT_TRUE(awaits_assent(story.incident()));
  EXPECT_THAT(questions(story), IsEmpty());
}

TEST(Assent, ARelapseIsAskedAboutAnew) {
  Story story = failed_for_five_minutes("web1");
  story.asks(order("e", kDuty, model::EstimateRepair{{1}, 24h}));
  story.at(10min).sees("web1", service_is("ssh.service", "active"));
  story.at(1h);
  ASSERT_TRUE(story.incident().recovered);
  EXPECT_FALSE(awaits_assent(story.incident()));
  story.sees("web1", service_is("ssh.service", "failed"));
  story.at(1h + 5min).told();
  EXPECT_EQ(story.incident().asked, Severity::none);
  story.asks(order("f", kDuty, model::EstimateRepair{{1}, 24h}));
  EXPECT_THAT(questions(story), ElementsAre("asked B officer@example.tw"));
}

}  // namespace
}  // namespace tocsin::tests
