// The worker against a channel that does what the test says and a judge that is a fold.
#include "collector/notify/outbox.hpp"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::Delivery;
using collector::OutgoingMessage;
using model::DeliveryResult;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr std::chrono::seconds kLongEnough{20};

// Everything that the worker meets, in one place under one lock.
struct Scene final : collector::StateReader, collector::Intake {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<model::Notification> pending;
  std::vector<model::DeliveryOutcome> outcomes;
  std::vector<OutgoingMessage> sent;
  std::map<std::string, DeliveryResult> answers;  // by recipient
  int refuse_outcomes = 0;
  Instant now = kStoryBegins;

  Result<std::vector<model::Notification>> pending_notifications() override {
    const std::lock_guard lock(mutex);
    return pending;
  }
  Result<collector::Committed> submit_and_wait(collector::PendingEntry entry) override {
    const std::lock_guard lock(mutex);
    if (refuse_outcomes > 0) {
      --refuse_outcomes;
      changed.notify_all();
      return fail(ErrorCode::resource_exhausted, "disk full");
    }
    outcomes.push_back(std::get<model::DeliveryOutcome>(*entry.body));
    changed.notify_all();
    return collector::Committed{};
  }
  Instant journal_now() const override { return now; }

  Delivery deliver(const OutgoingMessage& message) {
    const std::lock_guard lock(mutex);
    sent.push_back(message);
    changed.notify_all();
    const auto answer = answers.find(message.recipient);
    return {answer == answers.end() ? DeliveryResult::delivered : answer->second, {"test", {}}};
  }
  bool wait_for_outcomes(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLongEnough, [&] { return outcomes.size() >= count; });
  }

  Result<AsOf> as_of() override { return AsOf{}; }
  Result<std::vector<model::Host>> hosts() override { return {}; }
  Result<std::vector<model::Incident>> incidents(const collector::IncidentQuery&) override {
    return {};
  }
  Result<std::optional<model::Incident>> incident(std::string_view) override {
    return std::nullopt;
  }
  Result<std::vector<model::Finding>> findings(IncidentId, std::size_t) override { return {}; }
  Result<std::vector<model::TimelineItem>> timeline(IncidentId, std::size_t) override { return {}; }
  Result<std::vector<model::Notification>> notifications(IncidentId, std::size_t) override {
    return {};
  }
  Result<std::vector<model::Evidence>> evidence(const collector::EvidenceQuery&) override {
    return {};
  }
  Result<std::vector<model::BaselineRecord>> baselines(const collector::BaselineQuery&) override {
    return {};
  }
  Result<collector::RowCounts> row_counts(IncidentId) override { return collector::RowCounts{}; }
  Result<std::vector<model::Notification>> last_by_channel() override { return {}; }
  Result<std::optional<model::CommandResult>> command_result(std::string_view) override {
    return std::nullopt;
  }
  Status submit(std::vector<collector::PendingEntry>&&, std::optional<collector::SpoolCursor>,
                Done) override {
    return {};
  }
};

class SceneChannel final : public collector::Channel {
 public:
  explicit SceneChannel(Scene& scene) : scene_(scene) {}
  Delivery deliver(const OutgoingMessage& message, Duration) override {
    return scene_.deliver(message);
  }

 private:
  Scene& scene_;
};

model::Notification row(std::uint64_t id, const std::string& recipient,
                        const std::string& channel = "mail") {
  model::Notification row;
  row.id = {id};
  row.channel = channel;
  row.recipient = recipient;
  row.due = kStoryBegins;
  row.status = model::NotificationStatus::pending;
  row.idempotency_key = "key" + std::to_string(id);
  return row;
}

std::unique_ptr<collector::Outbox> worker_in(Scene& scene) {
  auto policy = std::make_shared<model::SitePolicy>(story_policy());
  policy->channels.push_back(policy->channels.front());
  policy->channels.back().name = "other";
  return collector::Outbox::start(
      {scene, scene, [policy] { return policy; },
       [&scene](const model::ChannelPolicy&) -> Result<std::unique_ptr<collector::Channel>> {
         return std::make_unique<SceneChannel>(scene);
       }});
}

TEST(Outbox, SendsWhatIsDueOnceAndJournalsTheOutcome) {
  Scene scene;
  model::Notification later = row(2, "b");
  later.due = kStoryBegins + 1h;
  scene.pending = {row(1, "a"), later};
  {
    const auto worker = worker_in(scene);
    ASSERT_TRUE(scene.wait_for_outcomes(1));
    worker->wake();  // The judge has not taken the outcome in: the row is still there.
    worker->wake();
  }
  ASSERT_THAT(scene.sent, SizeIs(1));
  EXPECT_EQ(scene.sent[0].idempotency_key, "key1");
  EXPECT_THAT(scene.outcomes,
              ElementsAre(model::DeliveryOutcome{{1}, 1, DeliveryResult::delivered, {"test", {}}}));
}

TEST(Outbox, TheNextAttemptHasTheNextNumberAndTheSameKey) {
  Scene scene;
  scene.answers["a"] = DeliveryResult::retry;
  scene.pending = {row(1, "a")};
  const auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for_outcomes(1));
  {
    const std::lock_guard lock(scene.mutex);
    scene.pending[0].attempts = 1;  // Judged, and due again.
  }
  worker->wake();
  ASSERT_TRUE(scene.wait_for_outcomes(2));
  const std::lock_guard lock(scene.mutex);
  EXPECT_EQ(scene.outcomes[1].attempt, 2U);
  EXPECT_EQ(scene.sent[0].idempotency_key, scene.sent[1].idempotency_key);
}

TEST(Outbox, WhatWasSentAndNotRecordedIsRecordedLaterAndNotSentAgain) {
  Scene scene;
  scene.refuse_outcomes = 1;
  scene.pending = {row(1, "a")};
  {
    const auto worker = worker_in(scene);
    ASSERT_TRUE(scene.wait_for_outcomes(1));
  }
  EXPECT_THAT(scene.sent, SizeIs(1));
}

TEST(Outbox, AChannelThatFailsDoesNotHoldUpTheOthers) {
  Scene scene;
  scene.answers["a"] = DeliveryResult::retry;
  scene.answers["b"] = DeliveryResult::retry;
  scene.pending = {row(1, "a"), row(2, "b"), row(3, "c", "other")};
  const auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for_outcomes(3));
  const std::lock_guard lock(scene.mutex);
  EXPECT_EQ(scene.sent[0].recipient, "a");
  EXPECT_EQ(scene.sent[1].recipient, "c");
  EXPECT_EQ(scene.sent[2].recipient, "b");
}

TEST(Outbox, AChannelThatThePolicyNoLongerNamesIsTriedAgainLater) {
  Scene scene;
  scene.pending = {row(1, "a", "gone")};
  const auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for_outcomes(1));
  const std::lock_guard lock(scene.mutex);
  EXPECT_EQ(scene.outcomes[0].result, DeliveryResult::retry);
  EXPECT_EQ(scene.outcomes[0].detail.code, "channel.unusable");
}

}  // namespace
}  // namespace tocsin::tests
