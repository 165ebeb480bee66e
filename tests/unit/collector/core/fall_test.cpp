// A grade that falls (severity, section 5, "down"): who was told of the worse one hears of it, once
// it has stayed so, and is called again only by a grade that is worse than what was said last.
#include <algorithm>

#include <gmock/gmock.h>

#include "collector/core/incident.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using model::Severity;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const model::Principal kDuty{"wang", model::Role::duty, "f1"};

// core1's service is down since five minutes, and its repair was thought to take six hours: B. The
// officer hears of B and worse only.
class Fall : public Story {
 public:
  explicit Fall(model::SitePolicy policy = policy_for_b()) : Story(std::move(policy)) {
    admit("core1");
    sees("core1", service_is("ssh.service", "failed"));
    at(5min);
    estimate(6h);
    TOCSIN_CHECK(incident().live == Severity::b);
    told();
  }
  static model::SitePolicy policy_for_b() {
    model::SitePolicy policy = story_policy();
    policy.contacts[1].at_least = Severity::b;
    return policy;
  }
  void estimate(Duration duration) {
    asks({"e" + std::to_string(++estimates_), kDuty, 0, "", model::EstimateRepair{{1}, duration}});
  }

 private:
  int estimates_ = 0;
};

TEST(Fall, IsToldToWhoWasToldOfTheWorseGradeWhenItHasStayedSo) {
  Fall story;
  story.asks({"a", kDuty, 0, "", model::Acknowledge{{1}}});
  story.estimate(10min);
  EXPECT_EQ(story.incident().live, Severity::c);
  EXPECT_THAT(story.timeline({1}), Contains("incident.milder"));
  story.told();
  story.at(20min - 1s);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("milder"))));
  story.resume();
  story.at(20min);
  EXPECT_THAT(story.told(), ElementsAre("milder C duty@example.tw", "milder C officer@example.tw"));
  EXPECT_TRUE(story.incident().acknowledged);  // Nobody has to take it over anew.
}

TEST(Fall, ThatDoesNotLastIsNotTold) {
  Fall story;
  story.estimate(10min);
  story.at(15min);
  story.estimate(6h);
  EXPECT_EQ(story.incident().live, Severity::b);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("worse"))));  // They know.
  story.at(25min);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("milder"))));
}

TEST(Fall, IsFollowedByACallWhenItGetsWorseAgain) {
  Fall story;
  story.estimate(10min);
  story.at(20min);
  ASSERT_THAT(story.told(), Contains("milder C officer@example.tw"));
  story.at(30min);  // SHORT
  EXPECT_EQ(story.incident().live, Severity::b);
  EXPECT_THAT(story.told(), Contains("worse B officer@example.tw"));
}

TEST(Fall, IsNotToldOfWhatRecovers) {
  Fall story;
  story.at(6min).sees("core1", service_is("ssh.service", "active"));
  story.estimate(10min);
  story.at(1h);
  EXPECT_TRUE(story.incident().recovered);
  const auto told = story.told();
  EXPECT_THAT(told, Not(Contains(HasSubstr("milder"))));
  EXPECT_THAT(told, Contains("recovered B officer@example.tw"));
}

TEST(Fall, UnderAnApprovedGradeIsNoNews) {
  Fall story;
  story.asks(
      {"o", {"lee", model::Role::officer, ""}, 0, "seen", model::ApproveGrade{{1}, Severity::b}});
  ASSERT_EQ(story.incident().approved, Severity::b);
  story.estimate(10min);
  story.at(29min);
  EXPECT_THAT(story.told(), Not(Contains(HasSubstr("milder"))));
}

// Who was called for a break that turns out to be the caller's own way hears that.
TEST(Fall, ToAContradictionIsToldBeyondTheFirstLine) {
  Story story;
  story.admit("a");
  story.admit("b");
  story.sees("a", ping_of("10.0.0.9", 0));
  ASSERT_THAT(story.told(), Contains("opened C officer@example.tw"));
  story.at(1min).sees("b", ping_of("10.0.0.9", 5));
  ASSERT_EQ(story.incident().live, Severity::e);
  story.at(16min);
  const auto told = story.told();
  EXPECT_THAT(told, Contains("milder E duty@example.tw"));
  EXPECT_THAT(told, Contains("milder E officer@example.tw"));
}

}  // namespace
}  // namespace tocsin::tests
