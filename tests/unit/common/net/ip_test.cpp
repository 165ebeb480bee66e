#include "common/net/ip.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::net {
namespace {

using model::AddressClass;

IpAddress ip(std::string_view text) {
  const auto address = parse_ip(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress{});
}

TEST(Ip, ClassifiesAsThePeopleWhoGuardItDo) {
  const std::pair<const char*, AddressClass> rows[] = {
      {"0.0.0.0", AddressClass::any},
      {"::", AddressClass::any},
      {"127.0.0.1", AddressClass::loopback},
      {"127.255.0.9", AddressClass::loopback},
      {"::1", AddressClass::loopback},
      {"::ffff:127.0.0.1", AddressClass::loopback},
      {"10.1.2.3", AddressClass::private_network},
      {"172.16.0.1", AddressClass::private_network},
      {"172.31.255.1", AddressClass::private_network},
      {"172.32.0.1", AddressClass::public_network},
      {"192.168.9.9", AddressClass::private_network},
      {"169.254.1.1", AddressClass::private_network},
      {"fe80::1", AddressClass::private_network},
      {"fd00::1", AddressClass::private_network},
      {"fec0::1", AddressClass::public_network},
      {"8.8.8.8", AddressClass::public_network},
      {"2001:db8::1", AddressClass::public_network},
      {"::ffff:10.0.0.1", AddressClass::private_network},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(classify(ip(text)), expected) << text;
}

TEST(Ip, NamesThePrefixOfAnAddress) {
  EXPECT_EQ(prefix_of(ip("192.0.2.77")), "192.0.2.0/24");
  EXPECT_EQ(prefix_of(ip("::ffff:192.0.2.77")), "192.0.2.0/24");
  EXPECT_EQ(prefix_of(ip("2001:db8:1:2:3:4:5:6")), "2001:db8:1:2::/64");
}

TEST(Ip, TakesLiteralsOnly) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("localhost"), std::string_view("1.2.3"),
        std::string_view("1.2.3.4.5"), std::string_view("1.2.3.4\0", 8), std::string_view("::g"),
        std::string_view("1.2.3.4 ")}) {
    EXPECT_FALSE(parse_ip(text).has_value()) << text;
  }
}

TEST(Ip, TextOfAnAddressReadsBackAsTheSame) {
  EXPECT_TRUE(rc::check("parse_ip undoes to_string", [](bool v6) {
    IpAddress address;
    address.v6 = v6;
    for (std::size_t i = 0; i < (v6 ? 16U : 4U); ++i) {
      address.bytes[i] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto back = parse_ip(to_string(address));
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == address);
  }));
}

}  // namespace
}  // namespace tocsin::net
