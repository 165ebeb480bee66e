#include "collector/operate/summary.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_collector.hpp"

namespace tocsin::collector {
namespace {

using model::Severity;
using tests::a_host;
using tests::an_incident;
using tests::kNow;

TEST(Summary, ThePersonsGradeCountsThenTheFactsThenThePeak) {
  model::Incident incident = an_incident(1, a_host("h", 'a'), Severity::d);
  incident.peak = Severity::b;
  EXPECT_EQ(shown_severity(incident), Severity::d);
  incident.approved = Severity::c;
  EXPECT_EQ(shown_severity(incident), Severity::c);
  incident.approved = Severity::none;
  incident.live = Severity::none;
  EXPECT_EQ(shown_severity(incident), Severity::b);
}

TEST(Summary, AgentsThatAreNotHeardAreSilentAndRevokedOnesAreNone) {
  std::vector<model::Host> hosts{a_host("a", 'a'), a_host("b", 'b'), a_host("c", 'c'),
                                 a_host("d", 'd')};
  hosts[1].presence = model::Presence::silent;
  hosts[2].presence = model::Presence::clone_suspected;
  hosts[3].revoked = true;
  v1::Status status;
  count_agents(hosts, status);
  EXPECT_EQ(status.agents_total(), 3U);
  EXPECT_EQ(status.agents_heard(), 1U);
  EXPECT_EQ(status.agents_silent(), 2U);
}

TEST(Summary, TheWorstAndOldestUnacknowledgedComeFirst) {
  const model::Host host = a_host("h", 'a');
  std::vector<model::Incident> open{
      an_incident(1, host, Severity::d), an_incident(2, host, Severity::c),
      an_incident(3, host, Severity::c), an_incident(4, host, Severity::a)};
  open[1].opened = kNow - 1min;
  open[2].opened = kNow - 2min;
  open[3].acknowledged = kNow;
  v1::Status status;
  count_incidents(open, status);
  EXPECT_EQ(status.unacknowledged(), 3U);
  ASSERT_EQ(status.needs_you_size(), 3);
  EXPECT_EQ(status.needs_you(0).id(), 3U);
  EXPECT_EQ(status.needs_you(1).id(), 2U);
  EXPECT_EQ(status.needs_you(2).id(), 1U);
  ASSERT_EQ(status.open_by_severity_size(), 5);
  EXPECT_EQ(status.open_by_severity(0).severity(), v1::SEVERITY_A);
  EXPECT_EQ(status.open_by_severity(0).count(), 1U);
  EXPECT_EQ(status.open_by_severity(2).count(), 2U);
  EXPECT_EQ(status.open_by_severity(1).count(), 0U);
}

TEST(Summary, AtMostTwentyNeedYouButAllAreCounted) {
  std::vector<model::Incident> open;
  for (std::uint64_t id = 1; id <= 30; ++id) {
    open.push_back(an_incident(id, a_host("h", 'a'), Severity::e));
  }
  v1::Status status;
  count_incidents(open, status);
  EXPECT_EQ(status.unacknowledged(), 30U);
  EXPECT_EQ(status.needs_you_size(), 20);
}

model::Notification sent(std::uint64_t id, std::string channel, model::NotificationStatus how,
                         std::uint32_t attempts) {
  model::Notification notification;
  notification.id = NotificationId{id};
  notification.channel = std::move(channel);
  notification.status = how;
  notification.attempts = attempts;
  notification.created = kNow;
  return notification;
}

const v1::ChannelStatus& channel(const v1::Status& status, std::string_view name) {
  for (const auto& row : status.channels()) {
    if (row.name() == name) return row;
  }
  static const v1::ChannelStatus kNone;
  ADD_FAILURE() << "no channel " << name;
  return kNone;
}

TEST(Summary, AChannelIsHealthyUntilAnAttemptFailsAfterItsLastSuccess) {
  using enum model::NotificationStatus;
  model::SitePolicy policy;
  for (const char* name : {"mail", "hook", "unused", "busy", "late"}) {
    model::ChannelPolicy one;
    one.name = name;
    policy.channels.push_back(one);
  }
  const std::vector<model::Notification> last{
      sent(1, "mail", delivered, 1), sent(2, "hook", failed, 8), sent(3, "busy", delivered, 1),
      sent(9, "late", delivered, 3)};
  const std::vector<model::Notification> waiting{
      sent(4, "busy", model::NotificationStatus::pending, 0),
      sent(5, "mail", model::NotificationStatus::pending, 2),
      sent(6, "late", model::NotificationStatus::pending, 1)};
  v1::Status status;
  describe_channels(policy, waiting, last, status);
  ASSERT_EQ(status.channels_size(), 5);
  EXPECT_FALSE(channel(status, "mail").healthy());  // a retry after the last success
  EXPECT_EQ(channel(status, "mail").failed(), 1U);
  EXPECT_FALSE(channel(status, "hook").healthy());
  EXPECT_TRUE(channel(status, "unused").healthy());
  EXPECT_EQ(channel(status, "unused").since_ns(), 0);
  EXPECT_TRUE(channel(status, "busy").healthy());
  EXPECT_EQ(channel(status, "busy").pending(), 1U);
  EXPECT_TRUE(channel(status, "late").healthy());  // an older one failed, a newer one went through
}

TEST(Summary, OnlyAHostThatIsSeenToBeNormalNeedsNoAttention) {
  model::Host host = a_host("h", 'a');
  EXPECT_TRUE(needs_attention(host));  // no check has run
  model::CheckStatus normal;
  normal.verdict = model::Verdict::normal;
  host.checks = {normal};
  EXPECT_FALSE(needs_attention(host));
  model::CheckStatus other;
  for (const auto& [verdict, wanted] :
       {std::pair{model::Verdict::abnormal, true}, std::pair{model::Verdict::cannot_tell, true},
        std::pair{model::Verdict::not_run, false},
        std::pair{model::Verdict::not_applicable, false}}) {
    other.verdict = verdict;
    host.checks = {normal, other};
    EXPECT_EQ(needs_attention(host), wanted) << to_string(verdict);
    host.checks = {other};
    EXPECT_TRUE(needs_attention(host)) << to_string(verdict);
  }
  host.checks = {normal};
  host.presence = model::Presence::silent;
  EXPECT_TRUE(needs_attention(host));
  host.revoked = true;
  EXPECT_FALSE(needs_attention(host));
}

}  // namespace
}  // namespace tocsin::collector
