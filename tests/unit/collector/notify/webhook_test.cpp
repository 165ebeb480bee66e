#include "collector/notify/webhook.hpp"

#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

TEST(Webhook, WritesTheMessageAsJson) {
  EXPECT_EQ(
      webhook_body({"duty", "a \"b\" \\", "line\n\x01", "k"}),
      R"({"idempotency_key":"k","recipient":"duty","subject":"a \"b\" \\","text":"line\n\u0001"})");
}

// RFC 4231, test case 2.
TEST(Webhook, SignsWithHmacSha256) {
  EXPECT_EQ(webhook_signature("Jefe", "what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace tocsin::collector
