#include "common/rules/network.hpp"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/rules/port_names.hpp"

namespace tocsin::rules {
namespace {

bool inside(const char* outer, const char* inner) {
  return contains(*parse_network(outer), *parse_network(inner));
}

TEST(Network, ContainsWhatItsPrefixSays) {
  EXPECT_TRUE(inside("10.0.0.0/8", "10.1.2.0/24"));
  EXPECT_TRUE(inside("10.1.2.3", "10.1.2.3/32"));
  EXPECT_FALSE(inside("10.1.2.0/25", "10.1.2.0/24"));
  EXPECT_FALSE(inside("10.0.0.0/8", "11.0.0.0/24"));
  EXPECT_TRUE(inside("0.0.0.0/0", "203.0.113.0/24"));
  EXPECT_TRUE(inside("2001:db8::/32", "2001:db8:1:2::/64"));
  EXPECT_FALSE(inside("0.0.0.0/0", "2001:db8::/32"));
}

TEST(Network, ReadsIpv4InsideIpv6AsIpv4) {
  EXPECT_TRUE(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(inside("10.0.0.0/8", "::ffff:10.1.2.0/120"));
}

TEST(Network, OverlapsInPart) {
  EXPECT_TRUE(overlaps(*parse_network("10.1.2.3/32"), *parse_network("10.1.2.0/24")));
  EXPECT_FALSE(overlaps(*parse_network("10.1.3.3/32"), *parse_network("10.1.2.0/24")));
}

TEST(Network, KnowsItsOwnHost) {
  EXPECT_TRUE(is_loopback(*parse_network("127.0.0.0/24")));
  EXPECT_TRUE(is_loopback(*parse_network("::1")));
  EXPECT_FALSE(is_loopback(*parse_network("::/64")));
  EXPECT_FALSE(is_loopback(*parse_network("10.0.0.1")));
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* text : {"", "/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "x",
                           "::1/129", "10.0.0.1/8x", "1.2.3.4 ", "fe80::1%eth0"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
}

TEST(Network, SurvivesAnyText) {
  EXPECT_TRUE(rc::check("parse_network is total", [](const std::string& text) {
    const auto network = parse_network(text);
    if (network) RC_ASSERT(contains(*network, *network));
  }));
}

TEST(PortNames, AreKnownByProtocol) {
  EXPECT_EQ(port_name(model::Protocol::tcp, 22), "ssh");
  EXPECT_EQ(port_name(model::Protocol::udp, 123), "ntp");
  EXPECT_EQ(port_name(model::Protocol::tcp, 80), "http");
  EXPECT_EQ(port_name(model::Protocol::tcp, 5432), "postgresql");
  EXPECT_EQ(port_name(model::Protocol::udp, 31337), "eldim");
  EXPECT_EQ(port_name(model::Protocol::tcp, 65535), "");
  EXPECT_EQ(port_name(model::Protocol::tcp, 0), "");
}

}  // namespace
}  // namespace tocsin::rules
