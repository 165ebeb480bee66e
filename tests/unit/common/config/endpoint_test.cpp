#include "common/config/endpoint.hpp"

#include <gtest/gtest.h>

namespace tocsin::config {
namespace {

TEST(Endpoint, IsAHostAndAPort) {
  EXPECT_EQ(parse_endpoint("collector.example:8444").value(),
            (Endpoint{"collector.example", 8444}));
  EXPECT_EQ(parse_endpoint("127.0.0.1:0").value(), (Endpoint{"127.0.0.1", 0}));
  EXPECT_EQ(parse_endpoint("[2001:db8::1]:65535").value(), (Endpoint{"2001:db8::1", 65535}));
  for (const char* text : {"collector.example:8444", "127.0.0.1:0", "[::]:8444"}) {
    EXPECT_EQ(to_string(parse_endpoint(text).value()), text);
  }
}

TEST(Endpoint, IsNothingElse) {
  for (const char* text : {"", ":", "a", "a:", ":1", "a:65536", "a:-1", "a: 1", "a b:1", "a:1x",
                           "::1:80", "[::1]", "[a]:1", "[]:1", "a/b:1", "https://a:1"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace tocsin::config
