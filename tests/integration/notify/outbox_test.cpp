// The whole way of a notification: incident, outbox, worker, mail server that is down and comes up.
#include "collector/notify/outbox.hpp"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>

#include "tests/support/channel_servers.hpp"
#include "tests/support/silent_port.hpp"
#include "tests/support/story.hpp"

namespace tocsin::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::chrono::seconds kLongEnough{60};

// Journals into the story: what the worker reports is judged at once.
class StoryIntake final : public collector::Intake {
 public:
  explicit StoryIntake(Story& story) : story_(story) {}
  Status submit(std::vector<collector::PendingEntry>&&, std::optional<collector::SpoolCursor>,
                Done) override {
    return fail(ErrorCode::unavailable, "not used here");
  }
  Result<collector::Committed> submit_and_wait(collector::PendingEntry entry) override {
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(std::get<model::DeliveryOutcome>(*entry.body));
    story_.push(*entry.body);
    changed_.notify_all();
    return collector::Committed{};
  }
  Instant journal_now() const override {
    const std::lock_guard lock(mutex_);
    return story_.now();
  }

  void later(Duration since_begin) {
    const std::lock_guard lock(mutex_);
    story_.at(since_begin);
  }
  model::DeliveryOutcome wait_for_outcome(std::size_t number) {
    std::unique_lock lock(mutex_);
    TOCSIN_CHECK(changed_.wait_for(lock, kLongEnough, [&] { return outcomes_.size() >= number; }));
    return outcomes_[number - 1];
  }
  std::size_t outcomes() const {
    const std::lock_guard lock(mutex_);
    return outcomes_.size();
  }

 private:
  Story& story_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<model::DeliveryOutcome> outcomes_;
};

TEST(OutboxIntegration, AMailServerThatWasDownGetsTheMailWhenItIsUp) {
  SilentPort down;
  down.close();
  model::SitePolicy site = story_policy();
  site.contacts.pop_back();
  Story story(site);
  story.admit("tsm-bk02");
  story.sees("tsm-bk02", ports_are({listener(4444, "/usr/bin/nc")}));
  StoryIntake intake(story);

  auto policy = std::make_shared<model::SitePolicy>(site);
  policy->channels[0].from = "tocsin@idc.example.tw";
  policy->channels[0].require_tls = false;
  policy->channels[0].url = "smtp://127.0.0.1:" + down.port();
  const auto current = [&]() -> std::shared_ptr<const model::SitePolicy> { return policy; };
  const auto worker =
      collector::Outbox::start({story.reader(), intake, current, collector::make_channel});
  EXPECT_EQ(intake.wait_for_outcome(1).result, model::DeliveryResult::retry);

  const MailServer server({"--port", down.port()});
  intake.later(30s);
  worker->wake();
  EXPECT_EQ(intake.wait_for_outcome(2).result, model::DeliveryResult::delivered);
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_THAT(server.mails()[0], HasSubstr("Message-ID: <tocsin."));
  const auto row = story.reader().notifications({1}, SIZE_MAX).value().front();
  EXPECT_EQ(row.status, model::NotificationStatus::delivered);
  EXPECT_EQ(row.attempts, 2U);
}

// A mail server that takes connections and says nothing, one that works, and a hook.
TEST(OutboxIntegration, MailServersThatHangDelayNeitherTheHookNorAnotherPerson) {
  SilentPort hanging;
  const MailServer mail;
  const HookServer hook;
  model::SitePolicy site = story_policy();
  site.channels.clear();
  site.contacts.clear();
  const auto add = [&](model::ChannelPolicy channel, const std::string& name) {
    channel.name = name;
    site.channels.push_back(channel);
    model::ContactPolicy contact;
    contact.name = name;
    contact.channel = name;
    contact.address = name + "@example.tw";
    site.contacts.push_back(contact);
  };
  add(mail.channel(), "hung");
  site.channels[0].url = "smtp://127.0.0.1:" + hanging.port();
  add(mail.channel(), "mail");
  add(hook.channel(), "hook");
  Story story(site);
  story.admit("tsm-bk02");
  story.sees("tsm-bk02", ports_are({listener(4444, "/usr/bin/nc")}));
  const auto rows = story.reader().notifications({1}, SIZE_MAX).value();
  ASSERT_THAT(rows, SizeIs(3));
  ASSERT_EQ(rows[0].channel, "hung");  // The first in line.

  StoryIntake intake(story);
  const auto policy = std::make_shared<const model::SitePolicy>(site);
  const auto worker = collector::Outbox::start(
      {story.reader(), intake, [policy] { return policy; }, collector::make_channel});
  for (const std::size_t number : {1U, 2U}) {
    const model::DeliveryOutcome outcome = intake.wait_for_outcome(number);
    EXPECT_EQ(outcome.result, model::DeliveryResult::delivered) << outcome.detail.code;
    EXPECT_NE(outcome.notification, rows[0].id);
  }
  EXPECT_THAT(mail.mails(), SizeIs(1));
  EXPECT_THAT(hook.requests(), HasSubstr("tocsin."));
  // It still hangs; when the server goes the attempt ends, and is one to repeat.
  EXPECT_EQ(intake.outcomes(), 2U);
  hanging.close();
  const model::DeliveryOutcome last = intake.wait_for_outcome(3);
  EXPECT_EQ(last.notification, rows[0].id);
  EXPECT_EQ(last.result, model::DeliveryResult::retry);
}

}  // namespace
}  // namespace tocsin::tests
