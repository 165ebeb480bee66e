#include "common/net/neighbour.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::net {
namespace {

Lan lan(const char* own) { return {2, {2, 0, 0, 0, 0, 1}, *parse_ip(own)}; }

// The answer of the host at 10.77.0.12, as it came over a LAN.
std::string arp_reply() {
  std::string packet("\0\1\10\0\6\4\0\2", 8);
  packet += std::string("\2\0\0\0\0\2", 6) + std::string("\12\115\0\14", 4);
  packet += std::string("\2\0\0\0\0\1", 6) + std::string("\12\115\0\13", 4);
  return packet;
}

std::string advertisement(const IpAddress& target) {
  std::string packet("\210\0\0\0\140\0\0\0", 8);
  packet.append(reinterpret_cast<const char*>(target.bytes.data()), 16);
  return packet + std::string("\2\1\2\0\0\0\0\2", 8);
}

TEST(Neighbour, AsksByArpWhoHasAnAddress) {
  const std::string packet = arp_request(lan("10.77.0.11"), *parse_ip("10.77.0.12"));
  ASSERT_EQ(packet.size(), 28U);
  EXPECT_EQ(packet.substr(0, 8), std::string("\0\1\10\0\6\4\0\1", 8));
  EXPECT_EQ(packet.substr(14, 4), std::string("\12\115\0\13", 4));
  EXPECT_EQ(packet.substr(24, 4), std::string("\12\115\0\14", 4));
}

TEST(Neighbour, KnowsTheAnswerOfTheOneThatWasAsked) {
  EXPECT_TRUE(is_arp_reply(arp_reply(), *parse_ip("10.77.0.12")));
  EXPECT_FALSE(is_arp_reply(arp_reply(), *parse_ip("10.77.0.13")));
  EXPECT_FALSE(is_arp_reply(arp_reply().substr(0, 27), *parse_ip("10.77.0.12")));
  // A question is no answer.
  const auto own = *parse_ip("10.77.0.11");
  EXPECT_FALSE(is_arp_reply(arp_request(lan("10.77.0.11"), *parse_ip("10.77.0.12")), own));
}

TEST(Neighbour, AsksTheSolicitedNodeOfIpv6) {
  const IpAddress target = *parse_ip("2001:db8::12");
  const std::string packet = neighbour_solicitation(lan("2001:db8::11"), target);
  ASSERT_EQ(packet.size(), 32U);
  EXPECT_EQ(static_cast<unsigned char>(packet[0]), 135);
  EXPECT_TRUE(is_neighbour_advertisement(advertisement(target), target));
  EXPECT_FALSE(is_neighbour_advertisement(advertisement(target), *parse_ip("2001:db8::13")));
  EXPECT_FALSE(is_neighbour_advertisement(packet, target));
}

TEST(Neighbour, CannotAskOutsideOfItsNetworks) {
  EXPECT_EQ(lan_of(*parse_ip("240.0.0.1")), std::nullopt);
  EXPECT_EQ(lan_of(*parse_ip("127.0.0.2")), std::nullopt);
}

TEST(Neighbour, OneOtherByteMakesAnotherHost) {
  EXPECT_TRUE(rc::check("an answer for one address is none for another", [] {
    IpAddress other = *parse_ip("10.77.0.12");
    other.bytes[*rc::gen::inRange<std::size_t>(0, 4)] ^= *rc::gen::inRange<std::uint8_t>(1, 255);
    RC_ASSERT(!is_arp_reply(arp_reply(), other));
  }));
}

}  // namespace
}  // namespace tocsin::net
