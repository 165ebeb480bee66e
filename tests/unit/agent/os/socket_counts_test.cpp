#include "agent/os/socket_counts.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent::os {
namespace {

constexpr std::string_view kSockstat =
    "sockets: used 207\n"
    "TCP: inuse 17 orphan 1 tw 40 alloc 23 mem 134\n"
    "UDP: inuse 3 mem 0\n"
    "UDPLITE: inuse 0\n"
    "RAW: inuse 0\n"
    "FRAG: inuse 0 memory 0\n";
constexpr std::string_view kSockstat6 =
    "TCP6: inuse 5\n"
    "UDP6: inuse 2\n"
    "UDPLITE6: inuse 0\n"
    "RAW6: inuse 0\n"
    "FRAG6: inuse 0 memory 0\n";

TEST(SocketCounts, AreThoseOfTheTwoTexts) {
  EXPECT_EQ(parse_socket_counts(kSockstat, kSockstat6), (SocketCounts{17, 5, 40}));
}

TEST(SocketCounts, NeedNoIpv6) {
  EXPECT_EQ(parse_socket_counts(kSockstat, {}), (SocketCounts{17, 0, 40}));
}

// What cannot be read is not "the same as before".
TEST(SocketCounts, AreNothingWhereTheTextIsOfAnotherForm) {
  EXPECT_EQ(parse_socket_counts({}, {}), std::nullopt);
  EXPECT_EQ(parse_socket_counts("TCP: inuse many orphan 0 tw 0\n", {}), std::nullopt);
  EXPECT_EQ(parse_socket_counts("TCP: inuse 17\nUDP: inuse 1 tw 3\n", {}), std::nullopt);
  EXPECT_EQ(parse_socket_counts(kSockstat, "UDP6: inuse 2\n"), std::nullopt);
  EXPECT_EQ(parse_socket_counts("TCP: inuse 99999999999999999999999 orphan 0 tw 0\n", {}),
            std::nullopt);
}

}  // namespace
}  // namespace tocsin::agent::os
