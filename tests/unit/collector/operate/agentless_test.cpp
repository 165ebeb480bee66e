#include "collector/operate/agentless.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_collector.hpp"

namespace tocsin::collector {
namespace {

using model::CheckKind;
using model::Verdict;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::a_host;

constexpr const char* kOld = "10.20.0.9";

model::SitePolicy policy_with(const std::string& name, const std::string& address) {
  model::SitePolicy policy;
  policy.hosts.push_back({});
  policy.hosts.back().host = "*";
  policy.hosts.back().address = "10.20.0.1";
  policy.hosts.push_back({});
  policy.hosts.back().host = name;
  policy.hosts.back().address = address;
  return policy;
}

model::CheckStatus look(CheckKind kind, const std::string& target, Verdict verdict) {
  model::CheckStatus status;
  status.check = {kind, target};
  status.verdict = verdict;
  status.reasons = {{"some.reason", {}}};
  status.observed = Instant{5};
  return status;
}

model::Host vantage() {
  model::Host host = a_host("web1", 'a');
  host.presence = model::Presence::heard;
  host.checks = {look(CheckKind::ping, kOld, Verdict::normal),
                 look(CheckKind::port_scan, kOld, Verdict::abnormal),
                 look(CheckKind::answer, "http://10.20.0.9:8080/health", Verdict::normal),
                 look(CheckKind::login, "ssh://10.20.0.9:22", Verdict::normal),
                 look(CheckKind::ping, "10.20.0.8", Verdict::abnormal),
                 look(CheckKind::sockets, "", Verdict::abnormal)};
  return host;
}

// procedure M-01, M-02, M-07 for a host that can have no agent.
TEST(Agentless, IsAPageOfWhatOthersSeeAndOfWhatNobodyCan) {
  const auto pages = hosts_without_agent(policy_with("nt-print", kOld), {vantage()});
  ASSERT_THAT(pages, SizeIs(1));
  const model::Host& page = pages[0];
  EXPECT_EQ(page.name, "nt-print");
  EXPECT_EQ(page.agent.hex, "");
  EXPECT_EQ(page.last_fact, Instant{5});
  ASSERT_THAT(page.checks, SizeIs(10));
  EXPECT_EQ(page.checks[0].check, (model::CheckRef{CheckKind::ping, kOld}));
  EXPECT_EQ(page.checks[0].reasons.back(),
            (model::Message{"agentless.seen_from", {{"host", "web1"}}}));
  for (std::size_t i = 4; i < 10; ++i) {
    EXPECT_EQ(page.checks[i].verdict, Verdict::cannot_tell);
    EXPECT_EQ(page.checks[i].reasons.front().code, "agentless.not_seen");
  }
  EXPECT_TRUE(agentless_needs_attention(page)) << "its ports are abnormal";
}

TEST(Agentless, AHostWithAnAgentHasItsOwnPageAndARevokedOneIsNone) {
  model::Host own = a_host("db1", 'b');
  EXPECT_THAT(hosts_without_agent(policy_with("db1", kOld), {own}), IsEmpty());
  own.revoked = true;
  EXPECT_THAT(hosts_without_agent(policy_with("db1", kOld), {own}), SizeIs(1));
  EXPECT_THAT(hosts_without_agent(policy_with("db1", ""), {}), IsEmpty()) << "no address";
}

TEST(Agentless, OnePageThatNobodyLooksAtOrThatASilentHostLookedAtNeedsAttention) {
  model::Host from = vantage();
  const auto policy = policy_with("nt-print", kOld);
  EXPECT_TRUE(agentless_needs_attention(hosts_without_agent(policy, {})[0]));
  from.checks.resize(1);
  EXPECT_FALSE(agentless_needs_attention(hosts_without_agent(policy, {from})[0]));
  from.presence = model::Presence::silent;
  const model::Host page = hosts_without_agent(policy, {from})[0];
  EXPECT_EQ(page.checks[0].verdict, Verdict::cannot_tell) << "what was seen then holds no more";
  EXPECT_TRUE(agentless_needs_attention(page));
}

}  // namespace
}  // namespace tocsin::collector
