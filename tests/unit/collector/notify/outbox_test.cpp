// The outbox against a channel that does what the test says and a judge that is a fold.
#include "collector/notify/outbox.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using collector::Delivery;
using collector::OutgoingMessage;
using model::DeliveryResult;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr std::chrono::seconds kLongEnough{20};

// Everything that the worker meets, in one place under one lock.
struct Scene final : collector::StateReader, collector::Intake {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<model::Notification> pending;
  std::vector<model::DeliveryOutcome> outcomes;
  std::vector<OutgoingMessage> sent;
  std::map<std::string, DeliveryResult> answers;  // by recipient
  std::set<std::string> hanging;                  // recipients whose server says nothing
  std::multiset<std::string> under_way;           // recipients
  std::map<std::string, std::size_t> most_under_way;
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
    std::unique_lock lock(mutex);
    sent.push_back(message);
    const auto mine = under_way.insert(message.recipient);
    std::size_t& most = most_under_way[message.recipient];
    most = std::max(most, under_way.count(message.recipient));
    changed.notify_all();
    changed.wait(lock, [&] { return !hanging.contains(message.recipient); });
    under_way.erase(mine);
    const auto answer = answers.find(message.recipient);
    return {answer == answers.end() ? DeliveryResult::delivered : answer->second, {"test", {}}};
  }
  bool wait_for_outcomes(std::size_t count) {
    return wait_for([&] { return outcomes.size() >= count; });
  }
  template <class Condition>
  bool wait_for(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLongEnough, condition);
  }

  void answer_all() {
    const std::lock_guard lock(mutex);
    hanging.clear();
    changed.notify_all();
  }

  Result<AsOf> as_of() override { return AsOf{}; }
  Result<std::vector<model::Host>> hosts() override { return {}; }
  Result<std::vector<model::Host>> agents() override { return {}; }
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
  Result<std::uint64_t> evidence_bytes(const AgentId&) override { return 0; }
  Result<std::vector<model::Host>> hosts_called(std::string_view) override { return {}; }
  Result<std::vector<collector::BaselineSummary>> baseline_list(
      const collector::BaselineQuery&) override {
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

std::vector<std::uint64_t> ids(const std::vector<model::DeliveryOutcome>& outcomes) {
  std::vector<std::uint64_t> found;
  for (const model::DeliveryOutcome& outcome : outcomes)
    found.push_back(outcome.notification.value);
  return found;
}

TEST(Outbox, WhoseServerHangsHoldsUpNobodyElse) {
  Scene scene;
  scene.hanging = {"a"};
  scene.pending = {row(1, "a"), row(2, "b"), row(3, "a", "other"), row(4, "c", "other")};
  const auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for_outcomes(2));
  {
    const std::lock_guard lock(scene.mutex);
    EXPECT_THAT(ids(scene.outcomes), UnorderedElementsAre(2, 4));
    EXPECT_EQ(scene.under_way.count("a"), 2U);  // By mail, and by the other channel.
  }
  scene.answer_all();
  EXPECT_TRUE(scene.wait_for_outcomes(4));
}

TEST(Outbox, OnePersonReadsOnOneChannelInOrder) {
  Scene scene;
  scene.hanging = {"a"};
  for (std::uint64_t id = 1; id <= 20; ++id) scene.pending.push_back(row(id, "a"));
  const auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for([&] { return scene.under_way.size() == 1; }));
  worker->wake();
  scene.answer_all();
  ASSERT_TRUE(scene.wait_for_outcomes(20));
  const std::lock_guard lock(scene.mutex);
  EXPECT_EQ(scene.most_under_way["a"], 1U);
  const std::vector<std::uint64_t> order = ids(scene.outcomes);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Outbox, AChannelThatHangsForEverybodyLeavesTheOthersTheirCouriers) {
  Scene scene;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    const std::string person = "p" + std::to_string(id);
    scene.hanging.insert(person);
    scene.pending.push_back(row(id, person));
  }
  for (std::uint64_t id = 41; id <= 60; ++id) {
    scene.pending.push_back(row(id, "q" + std::to_string(id), "other"));
  }
  const auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for_outcomes(20));
  {
    const std::lock_guard lock(scene.mutex);
    EXPECT_EQ(scene.under_way.size(), collector::Outbox::kOfOneChannel);
    EXPECT_THAT(ids(scene.outcomes), Each(Gt(40U)));
  }
  scene.answer_all();
  EXPECT_TRUE(scene.wait_for_outcomes(60));
}

// What was begun is journaled, what was not is sent after the next start.
TEST(Outbox, AtItsEndItWaitsForWhatIsUnderWayAndBeginsNothing) {
  Scene scene;
  scene.hanging = {"a"};
  scene.pending = {row(1, "a"), row(2, "a")};
  auto worker = worker_in(scene);
  ASSERT_TRUE(scene.wait_for([&] { return scene.under_way.size() == 1; }));
  std::thread ending([&] { worker.reset(); });
  scene.answer_all();
  ending.join();
  EXPECT_EQ(scene.sent.size(), scene.outcomes.size());
  EXPECT_EQ(ids(scene.outcomes).front(), 1U);
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
