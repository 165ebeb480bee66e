#include "collector/core/notify_decision.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::Confidence;
using collector::NotifyReason;
using collector::Occasion;
using collector::suppressed;
using collector::SuppressedReason;
using model::Role;
using model::Severity;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Row {
  Role role;
  Severity at_least;
  Severity severity;
  Confidence confidence;
  bool over;
  std::optional<SuppressedReason> why;
};

TEST(NotifyDecision, TableOfWhoIsTold) {
  const std::vector<Row> table{
      {Role::duty, Severity::e, Severity::e, Confidence::suspected, false, std::nullopt},
      {Role::officer, Severity::c, Severity::c, Confidence::suspected, false, std::nullopt},
      {Role::officer, Severity::c, Severity::d, Confidence::confirmed, false,
       SuppressedReason::below_threshold},
      {Role::officer, Severity::e, Severity::e, Confidence::contradicted, false,
       SuppressedReason::contradicted},
      {Role::working_group, Severity::e, Severity::e, Confidence::contradicted, false,
       std::nullopt},
      {Role::committee, Severity::a, Severity::a, Confidence::confirmed, false,
       SuppressedReason::awaits_officer},
      {Role::auditor, Severity::e, Severity::a, Confidence::confirmed, false,
       SuppressedReason::role},
      {Role::duty, Severity::e, Severity::a, Confidence::confirmed, true,
       SuppressedReason::already_over},
  };
  for (const Row& row : table) {
    model::ContactPolicy contact;
    contact.role = row.role;
    contact.at_least = row.at_least;
    const Occasion occasion{NotifyReason::opened, row.severity, row.confidence, row.over};
    EXPECT_EQ(suppressed(contact, occasion), row.why)
        << to_string(row.role) << " " << to_string(row.severity);
  }
}

TEST(NotifyDecision, WorseGradesRemindSooner) {
  EXPECT_LT(collector::reminder_interval(Severity::a), collector::reminder_interval(Severity::b));
  EXPECT_LT(collector::reminder_interval(Severity::b), collector::reminder_interval(Severity::c));
  EXPECT_LT(collector::reminder_interval(Severity::c), collector::reminder_interval(Severity::d));
  EXPECT_LT(collector::reminder_interval(Severity::d), collector::reminder_interval(Severity::e));
}

TEST(NotifyDecision, RetriesWaitLongerUpToALimitAndEnd) {
  EXPECT_EQ(collector::retry_after(1), 30s);
  EXPECT_EQ(collector::retry_after(2), 60s);
  EXPECT_EQ(collector::retry_after(9), 30min);
  EXPECT_EQ(collector::retry_after(10), std::nullopt);
}

RC_GTEST_PROP(NotifyDecisionProperty, AWorseGradeNeverTellsFewer, ()) {
  model::ContactPolicy contact;
  contact.role = model::kRoles[*rc::gen::inRange<std::size_t>(0, model::kRoles.size())];
  contact.at_least = static_cast<Severity>(*rc::gen::inRange(1, 6));
  const int milder = *rc::gen::inRange(1, 5);
  Occasion occasion;
  occasion.severity = static_cast<Severity>(milder);
  const bool told = !suppressed(contact, occasion);
  occasion.severity = static_cast<Severity>(milder + 1);
  RC_ASSERT(!told || !suppressed(contact, occasion));
}

model::Notification first_row(Story& story) { return story.all_notifications().front(); }

Story with_one_row() {
  model::SitePolicy policy = story_policy();
  policy.contacts.pop_back();
  Story story(policy);
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  return story;
}

TEST(NotifyDecision, AFailedAttemptIsDueAgainLaterUnderTheSameKey) {
  Story story = with_one_row();
  const std::string key = first_row(story).idempotency_key;
  EXPECT_TRUE(key.ends_with(fmt::format(".{:x}", first_row(story).created.ns)))
      << "ids are given again by a journal that was put back";
  story.push(model::DeliveryOutcome{{1}, 1, model::DeliveryResult::retry, {"x", {}}});
  EXPECT_EQ(first_row(story).due, story.now() + 30s);
  EXPECT_EQ(first_row(story).attempts, 1U);
  EXPECT_EQ(first_row(story).idempotency_key, key);
  EXPECT_EQ(first_row(story).status, model::NotificationStatus::pending);
  story.push(model::DeliveryOutcome{{1}, 2, model::DeliveryResult::delivered, {"ok", {}}});
  EXPECT_EQ(first_row(story).status, model::NotificationStatus::delivered);
}

TEST(NotifyDecision, AnOutcomeThatWasTakenBeforeChangesNothing) {
  Story story = with_one_row();
  story.push(model::DeliveryOutcome{{1}, 1, model::DeliveryResult::retry, {"x", {}}});
  story.push(model::DeliveryOutcome{{1}, 1, model::DeliveryResult::refused, {"x", {}}});
  story.push(model::DeliveryOutcome{{99}, 1, model::DeliveryResult::delivered, {"x", {}}});
  EXPECT_EQ(first_row(story).status, model::NotificationStatus::pending);
  EXPECT_EQ(story.world().number("counter/outcomes_ignored"), 2U);
}

TEST(NotifyDecision, GivingUpIsShownInTheTimeline) {
  Story story = with_one_row();
  for (std::uint32_t attempt = 1; attempt <= 10; ++attempt) {
    story.push(model::DeliveryOutcome{{1}, attempt, model::DeliveryResult::retry, {"x", {}}});
  }
  EXPECT_EQ(first_row(story).status, model::NotificationStatus::failed);
  EXPECT_THAT(story.timeline({1}), Contains("notification.failed"));
  EXPECT_THAT(story.reader().pending_notifications().value(), IsEmpty());
}

TEST(NotifyDecision, WhatIsOverIsNotSentAnyMore) {
  Story story = with_one_row();  // The mail server does not answer.
  story.push(model::DeliveryOutcome{{1}, 1, model::DeliveryResult::retry, {"x", {}}});
  story.sees("web1", ports_are({}));
  story.at(15min);
  const auto rows = story.all_notifications();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].suppressed, "already_over");
  EXPECT_EQ(rows[1].reason, "recovered");
}

TEST(NotifyDecision, AContactWithoutAChannelIsShown) {
  model::SitePolicy policy = story_policy();
  policy.contacts[0].channel = "pager";
  Story story(policy);
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  EXPECT_THAT(story.told(), Contains("(opened D duty@example.tw no_channel)"));
}

// What is taken back is told to the worker that sends, and not only at the next tick.
TEST(NotifyDecision, TakingBackWakesTheOutbox) {
  Story story;
  story.admit("web1");
  story.sees("web1", ports_are({listener(4444, "/usr/bin/nc")}));
  story.at(4h);  // A reminder waits to be sent.
  const std::size_t woken = story.outbox_woken();
  story.asks({"a", {"wang", Role::duty, ""}, 0, "", model::Acknowledge{{1}}});
  EXPECT_EQ(story.outbox_woken(), woken + 1);
}

}  // namespace
}  // namespace tocsin::tests
