#include "collector/ports/channel.hpp"

#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

model::ChannelPolicy email(const std::string& url) {
  model::ChannelPolicy policy;
  policy.name = "mail";
  policy.kind = "email";
  policy.url = url;
  policy.from = "tocsin@example.tw";
  return policy;
}

model::ChannelPolicy webhook(const std::string& url) {
  model::ChannelPolicy policy;
  policy.name = "hook";
  policy.kind = "webhook";
  policy.url = url;
  policy.hmac_key_file = "/etc/tocsin/hook.key";
  return policy;
}

TEST(MakeChannel, TakesWhatCanBeUsed) {
  EXPECT_TRUE(make_channel(email("smtp://mail:25")).has_value());
  EXPECT_TRUE(make_channel(email("smtps://mail:465")).has_value());
  EXPECT_TRUE(make_channel(webhook("https://hook/")).has_value());
  model::ChannelPolicy plain = webhook("http://hook/");
  plain.require_tls = false;
  EXPECT_TRUE(make_channel(plain).has_value());
}

TEST(MakeChannel, RefusesWhatCannotBeUsedOrWouldLeakASecret) {
  EXPECT_FALSE(make_channel(email("http://mail")).has_value());
  EXPECT_FALSE(make_channel(webhook("http://hook/")).has_value());
  EXPECT_FALSE(make_channel(webhook("file:///etc/passwd")).has_value());
  model::ChannelPolicy no_sender = email("smtp://mail");
  no_sender.from = "nobody";
  EXPECT_FALSE(make_channel(no_sender).has_value());
  model::ChannelPolicy password_in_clear = email("smtp://mail");
  password_in_clear.user = "u";
  password_in_clear.require_tls = false;
  EXPECT_FALSE(make_channel(password_in_clear).has_value());
  model::ChannelPolicy no_key = webhook("https://hook/");
  no_key.hmac_key_file.clear();
  EXPECT_FALSE(make_channel(no_key).has_value());
  model::ChannelPolicy unknown = email("smtp://mail");
  unknown.kind = "pigeon";
  EXPECT_FALSE(make_channel(unknown).has_value());
}

}  // namespace
}  // namespace tocsin::collector
