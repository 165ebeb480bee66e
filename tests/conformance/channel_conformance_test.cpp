// What every channel must do alike, against a real server of its kind.
#include <gtest/gtest.h>

#include "tests/support/channel_servers.hpp"
#include "tests/support/silent_port.hpp"

namespace tocsin::tests {
namespace {

using collector::OutgoingMessage;
using model::DeliveryResult;

// How a test of all channels makes servers of one kind.
struct Mail {
  using Server = MailServer;
  static std::vector<std::string> failing_for_now() { return {"--data-reply", "451 try later"}; }
  static std::vector<std::string> refusing() { return {"--rcpt-reply", "550 no such user"}; }
  static std::string url(const std::string& port) { return "smtp://127.0.0.1:" + port; }
  static std::size_t keys_seen(const Server& server, const std::string& key) {
    std::size_t seen = 0;
    for (const std::string& mail : server.mails()) {
      seen += mail.find("Message-ID: <" + key + "@") != mail.npos ? 1 : 0;
    }
    return seen;
  }
};

struct Hook {
  using Server = HookServer;
  static std::vector<std::string> failing_for_now() { return {"--status", "503"}; }
  static std::vector<std::string> refusing() { return {"--status", "410"}; }
  static std::string url(const std::string& port) { return "http://127.0.0.1:" + port; }
  static std::size_t keys_seen(const Server& server, const std::string& key) {
    const std::string requests = server.requests();
    const std::string wanted = "\"key\": \"" + key + "\"";
    std::size_t seen = 0;
    for (auto at = requests.find(wanted); at != requests.npos; at = requests.find(wanted, at + 1)) {
      ++seen;
    }
    return seen;
  }
};

template <class Kind>
class ChannelConformance : public ::testing::Test {
 protected:
  using Server = typename Kind::Server;
  static collector::Delivery deliver(const model::ChannelPolicy& policy, Duration deadline = 20s) {
    const OutgoingMessage message{"duty@example.tw", "[C] web1 異常通訊埠", "內容\n",
                                  "tocsin.1.2.3"};
    return collector::make_channel(policy).value()->deliver(message, deadline);
  }
};
using Kinds = ::testing::Types<Mail, Hook>;
TYPED_TEST_SUITE(ChannelConformance, Kinds);

TYPED_TEST(ChannelConformance, WhatTheOtherSideTookIsDelivered) {
  const typename TypeParam::Server server;
  const collector::Delivery delivery = this->deliver(server.channel());
  EXPECT_EQ(delivery.result, DeliveryResult::delivered) << delivery.detail.code;
  EXPECT_EQ(TypeParam::keys_seen(server, "tocsin.1.2.3"), 1U);
}

TYPED_TEST(ChannelConformance, EveryAttemptCarriesTheSameKey) {
  const typename TypeParam::Server server;
  this->deliver(server.channel());
  this->deliver(server.channel());
  EXPECT_EQ(TypeParam::keys_seen(server, "tocsin.1.2.3"), 2U);
}

TYPED_TEST(ChannelConformance, WhatMayPassIsTriedAgain) {
  const typename TypeParam::Server server(TypeParam::failing_for_now());
  EXPECT_EQ(this->deliver(server.channel()).result, DeliveryResult::retry);
}

TYPED_TEST(ChannelConformance, WhatWillNotPassIsRefused) {
  const typename TypeParam::Server server(TypeParam::refusing());
  const collector::Delivery delivery = this->deliver(server.channel());
  EXPECT_EQ(delivery.result, DeliveryResult::refused);
  EXPECT_FALSE(delivery.detail.parameters.empty());
}

TYPED_TEST(ChannelConformance, NobodyThereIsTriedAgain) {
  const typename TypeParam::Server server;
  SilentPort port;
  port.close();
  model::ChannelPolicy policy = server.channel();
  policy.url = TypeParam::url(port.port());
  EXPECT_EQ(this->deliver(policy).result, DeliveryResult::retry);
}

TYPED_TEST(ChannelConformance, AServerThatNeverAnswersCostsTheDeadlineAndNoMore) {
  const typename TypeParam::Server server;
  const SilentPort port;
  model::ChannelPolicy policy = server.channel();
  policy.url = TypeParam::url(port.port());
  const MonoTime begin = time::SystemTime().steady();
  EXPECT_EQ(this->deliver(policy, 300ms).result, DeliveryResult::retry);
  EXPECT_LT(time::SystemTime().steady() - begin, 10s);
}

}  // namespace
}  // namespace tocsin::tests
