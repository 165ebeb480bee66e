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

std::string reply_to(std::string request, bool v6) {
  request[0] = static_cast<char>(v6 ? 129 : 0);
  return request;
}

std::string ipv4_header() {
  std::string header(20, '\0');
  header[0] = 0x45;
  return header;
}

std::string unreachable(const std::string& quoted) {
  std::string message(8, '\0');
  message[0] = 3;
  return message + ipv4_header() + quoted;
}

// RFC 1071: the sum of all words of a message with its checksum is all ones.
TEST(EchoRequest, CarriesAValidChecksum) {
  EXPECT_TRUE(rc::check("sums to ones", [](std::uint16_t sequence, std::uint16_t identifier) {
    EchoKey any = key();
    any.identifier = identifier;
    const std::string request = echo_request(any, sequence, false);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < request.size(); i += 2) {
      sum += static_cast<std::uint32_t>(static_cast<unsigned char>(request[i]) << 8 |
                                        static_cast<unsigned char>(request[i + 1]));
    }
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
    RC_ASSERT(sum == 0xFFFFU);
  }));
}

TEST(ParseEcho, TakesTheReplyToItsRequest) {
  for (const bool v6 : {false, true}) {
    const auto answer = parse_echo(reply_to(echo_request(key(), 77, v6), v6), key(), v6, false);
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(answer->reply);
    EXPECT_EQ(answer->sequence, 77);
  }
}

TEST(ParseEcho, SkipsTheHeaderOfRawSockets) {
  const std::string reply = reply_to(echo_request(key(), 5, false), false);
  EXPECT_TRUE(parse_echo(ipv4_header() + reply, key(), false, true).has_value());
  EXPECT_FALSE(parse_echo(reply, key(), false, true).has_value());
}

TEST(ParseEcho, IgnoresTheIdentifierWhereTheKernelRewritesIt) {
  EchoKey mine = key();
  mine.identifier_is_ours = false;
  EchoKey rewritten = key();
  rewritten.identifier = 0x9999;
  const std::string reply = reply_to(echo_request(rewritten, 5, false), false);
  EXPECT_TRUE(parse_echo(reply, mine, false, false).has_value());
  EXPECT_FALSE(parse_echo(reply, key(), false, false).has_value());
}

TEST(ParseEcho, LeavesOthersAnswersAlone) {
  EchoKey other = key();
  other.nonce[3] = '!';
  EXPECT_FALSE(
      parse_echo(reply_to(echo_request(other, 5, false), false), key(), false, false).has_value());
  EXPECT_FALSE(parse_echo(echo_request(key(), 5, false), key(), false, false).has_value());
}

TEST(ParseEcho, TellsWhenARouterSaysUnreachable) {
  const std::string request = echo_request(key(), 9, false);
  const auto whole = parse_echo(unreachable(request), key(), false, false);
  ASSERT_TRUE(whole.has_value());
  EXPECT_FALSE(whole->reply);
  EXPECT_EQ(whole->sequence, 9);
  // Routers quote only eight bytes.
  EXPECT_TRUE(parse_echo(unreachable(request.substr(0, 8)), key(), false, false).has_value());
  EXPECT_FALSE(parse_echo(unreachable(request.substr(0, 7)), key(), false, false).has_value());
}

TEST(ParseEcho, AcceptsAnyBytes) {
  EXPECT_TRUE(rc::check("a reply holds the nonce", [](const std::string& noise, bool v6, bool raw) {
    std::string packet = reply_to(echo_request(key(), 1, v6), v6);
    if (*rc::gen::arbitrary<bool>()) packet = noise + packet;
    packet.resize(*rc::gen::inRange<std::size_t>(0, packet.size() + 1));
    if (!packet.empty()) {
      packet[*rc::gen::inRange<std::size_t>(0, packet.size())] = *rc::gen::arbitrary<char>();
    }
    const auto answer = parse_echo(packet, key(), v6, raw);
    if (answer && answer->reply) {
      const std::string_view nonce(key().nonce.data(), key().nonce.size());
      RC_ASSERT(packet.find(std::string(nonce)) != std::string::npos);
    }
  }));
}

}  // namespace
}  // namespace tocsin::net
