#include "common/net/icmp.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::net {
namespace {

EchoKey key() {
  EchoKey key;
  key.identifier = 0x1234;
  for (std::size_t i = 0; i < key.nonce.size(); ++i) key.nonce[i] = static_cast<char>('a' + i);
  return key;
}

std::string request(const EchoKey& by, std::uint32_t serial, std::uint16_t sequence, bool v6) {
  const EchoBytes bytes = echo_request(by, serial, sequence, v6);
  return {bytes.data(), bytes.size()};
}

std::string reply_to(std::string message, bool v6) {
  message[0] = static_cast<char>(v6 ? 129 : 0);
  return message;
}

std::string ipv4_header() {
  std::string header(20, '\0');
  header[0] = 0x45;
  header.replace(16, 4, "\x0A\x01\x00\x07", 4);
  return header;
}

std::string unreachable(const std::string& quoted, char code = 1) {
  std::string message(8, '\0');
  message[0] = 3;
  message[1] = code;
  return message + ipv4_header() + quoted;
}

// RFC 1071: the sum of all words of a message with its checksum is all ones.
TEST(EchoRequest, CarriesAValidChecksum) {
  EXPECT_TRUE(rc::check(
      "sums to ones", [](std::uint16_t sequence, std::uint16_t identifier, std::uint32_t serial) {
        EchoKey any = key();
        any.identifier = identifier;
        const std::string message = request(any, serial, sequence, false);
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < message.size(); i += 2) {
          sum += static_cast<std::uint32_t>(static_cast<unsigned char>(message[i]) << 8 |
                                            static_cast<unsigned char>(message[i + 1]));
        }
        while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
        RC_ASSERT(sum == 0xFFFFU);
      }));
}

TEST(ParseEcho, TakesTheReplyToItsRequest) {
  for (const bool v6 : {false, true}) {
    const std::string reply = reply_to(request(key(), 0x01020304, 77, v6), v6);
    const auto answer = parse_echo(reply, key(), v6, false);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(*answer, (EchoAnswer{Refusal::none, 77, 0x01020304U, {}}));
  }
}

TEST(ParseEcho, SkipsTheHeaderOfRawSockets) {
  const std::string reply = reply_to(request(key(), 0, 5, false), false);
  EXPECT_TRUE(parse_echo(ipv4_header() + reply, key(), false, true).has_value());
  EXPECT_FALSE(parse_echo(reply, key(), false, true).has_value());
}

TEST(ParseEcho, LeavesOthersAnswersAlone) {
  EchoKey other = key();
  other.nonce[3] = '!';
  EchoKey numbered = key();
  numbered.identifier = 0x9999;
  for (const EchoKey& by : {other, numbered}) {
    const std::string reply = reply_to(request(by, 0, 5, false), false);
    EXPECT_FALSE(parse_echo(reply, key(), false, false).has_value());
    EXPECT_FALSE(parse_echo(unreachable(request(by, 0, 5, false)), key(), false, false));
  }
  EXPECT_FALSE(parse_echo(request(key(), 0, 5, false), key(), false, false).has_value());
}

// A reply gives back what it was asked, all of it and nothing else.
TEST(ParseEcho, TakesNoReplyThatIsCutOrPadded) {
  const std::string whole = reply_to(request(key(), 7, 5, false), false);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_echo(whole.substr(0, size), key(), false, false).has_value()) << size;
  }
  EXPECT_FALSE(parse_echo(whole + '\0', key(), false, false).has_value());
}

TEST(ParseEcho, TellsWhatARouterSays) {
  const std::string asked = request(key(), 70'000, 9, false);
  const auto whole = parse_echo(unreachable(asked), key(), false, false);
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(*whole, (EchoAnswer{Refusal::unreachable, 9, 70'000U, *parse_ip("10.1.0.7")}));
  // Routers quote only eight bytes.
  const auto least = parse_echo(unreachable(asked.substr(0, 8), 13), key(), false, false);
  ASSERT_TRUE(least.has_value());
  EXPECT_EQ(*least, (EchoAnswer{Refusal::prohibited, 9, {}, *parse_ip("10.1.0.7")}));
  EXPECT_FALSE(parse_echo(unreachable(asked.substr(0, 7)), key(), false, false).has_value());
}

TEST(ParseEcho, TellsWhatARouterOfIpv6Says) {
  const IpAddress target = *parse_ip("2001:db8::7");
  std::string header(40, '\0');
  header[0] = 0x60;
  header.replace(24, 16, reinterpret_cast<const char*>(target.bytes.data()), 16);
  const std::string packet =
      std::string("\1\0\0\0\0\0\0\0", 8) + header + request(key(), 3, 9, true);
  const auto answer = parse_echo(packet, key(), true, false);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(*answer, (EchoAnswer{Refusal::no_route, 9, 3U, target}));
}

TEST(ParseRefusedEcho, TakesTheRequestThatTheKernelGivesBack) {
  const std::string asked = request(key(), 12, 9, false);
  const auto answer = parse_refused_echo(asked, key(), false);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->serial, 12U);
  EXPECT_FALSE(parse_refused_echo(reply_to(asked, false), key(), false).has_value());
}

TEST(RefusalOf, KnowsWhatTheNetworkSays) {
  EXPECT_EQ(refusal_of(false, 3, 0), Refusal::no_route);
  EXPECT_EQ(refusal_of(false, 3, 1), Refusal::unreachable);
  EXPECT_EQ(refusal_of(false, 3, 13), Refusal::prohibited);
  EXPECT_EQ(refusal_of(false, 11, 0), Refusal::unreachable);
  EXPECT_EQ(refusal_of(false, 0, 0), Refusal::none);
  EXPECT_EQ(refusal_of(true, 1, 0), Refusal::no_route);
  EXPECT_EQ(refusal_of(true, 1, 1), Refusal::prohibited);
  EXPECT_EQ(refusal_of(true, 1, 3), Refusal::unreachable);
  EXPECT_EQ(refusal_of(true, 129, 0), Refusal::none);
}

TEST(ParseEcho, AcceptsAnyBytes) {
  EXPECT_TRUE(rc::check("a reply holds the nonce", [](const std::string& noise, bool v6, bool raw) {
    std::string packet = reply_to(request(key(), 1, 1, v6), v6);
    if (*rc::gen::arbitrary<bool>()) packet = noise + packet;
    packet.resize(*rc::gen::inRange<std::size_t>(0, packet.size() + 1));
    if (!packet.empty()) {
      packet[*rc::gen::inRange<std::size_t>(0, packet.size())] = *rc::gen::arbitrary<char>();
    }
    const auto answer = parse_echo(packet, key(), v6, raw);
    if (answer && answer->refusal == Refusal::none) {
      const std::string_view nonce(key().nonce.data(), key().nonce.size());
      RC_ASSERT(packet.find(std::string(nonce)) != std::string::npos);
    }
  }));
}

}  // namespace
}  // namespace tocsin::net
