// The webhook against a real HTTP server that checks the signature.
#include <gmock/gmock.h>

#include "tests/support/channel_servers.hpp"

namespace tocsin::tests {
namespace {

using collector::make_channel;
using collector::OutgoingMessage;
using model::DeliveryResult;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const OutgoingMessage kMessage{"duty", "[C] \"web1\"", "one\ntwo\n", "tocsin.7.8.12"};

TEST(WebhookIntegration, IsSignedAndIsJson) {
  const HookServer server;
  ASSERT_EQ(make_channel(server.channel()).value()->deliver(kMessage, 20s).result,
            DeliveryResult::delivered);
  const std::string request = server.requests();
  EXPECT_THAT(request, HasSubstr("\"genuine\": true"));
  EXPECT_THAT(request, HasSubstr(R"("subject": "[C] \"web1\"")"));
  EXPECT_THAT(request, HasSubstr(R"("text": "one\ntwo\n")"));
}

TEST(WebhookIntegration, AWrongKeyIsRefused) {
  const HookServer server;
  const TempDir folder;
  write_private(folder.file("key"), "another secret");
  model::ChannelPolicy policy = server.channel();
  policy.hmac_key_file = folder.file("key");
  const collector::Delivery delivery = make_channel(policy).value()->deliver(kMessage, 20s);
  EXPECT_EQ(delivery.result, DeliveryResult::refused);
  EXPECT_THAT(server.requests(), HasSubstr("\"genuine\": false"));
}

TEST(WebhookIntegration, TrustsOnlyTheNamedAuthority) {
  const TempDir folder;
  const TlsFiles tls(folder);
  const HookServer server({"--certificate", tls.certificate, "--key", tls.key});
  model::ChannelPolicy policy = server.channel();
  policy.require_tls = true;
  policy.url.insert(4, "s");  // https
  EXPECT_EQ(make_channel(policy).value()->deliver(kMessage, 20s).result, DeliveryResult::retry);
  EXPECT_THAT(server.requests(), IsEmpty());
  policy.ca_file = tls.ca;
  EXPECT_EQ(make_channel(policy).value()->deliver(kMessage, 20s).result, DeliveryResult::delivered);
}

}  // namespace
}  // namespace tocsin::tests
