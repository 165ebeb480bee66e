#include "agent/os/sock_diag.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <rapidcheck.h>

namespace tocsin::agent::os {
namespace {

std::string message(std::uint16_t type, std::string_view payload, std::uint16_t flags = 0) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += payload;
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  return bytes;
}

std::string listener_message(std::uint16_t flags = 0, std::uint16_t type = SOCK_DIAG_BY_FAMILY) {
  inet_diag_msg body{};
  body.idiag_family = AF_INET;
  body.idiag_state = 10;
  body.id.idiag_sport = htons(4444);
  body.idiag_uid = 33;
  body.idiag_inode = 777;
  return message(type, {reinterpret_cast<const char*>(&body), sizeof body}, flags);
}

std::string error_message(int code) {
  return message(NLMSG_ERROR, {reinterpret_cast<const char*>(&code), sizeof code});
}

struct Parsed {
  std::vector<Socket> sockets;
  bool done = false;
  bool interrupted = false;
};

Result<Parsed> parsed(std::string_view datagram, model::Protocol protocol) {
  Parsed all;
  const auto answer = parse_sock_diag(datagram, protocol, all.sockets);
  if (!answer) return fail(answer.error());
  all.done = answer->done;
  all.interrupted = answer->interrupted;
  return all;
}

TEST(ParseSockDiag, ReadsListenersAndTheEnd) {
  const auto answer =
      parsed(listener_message() + listener_message() + message(NLMSG_DONE, std::string(4, '\0')),
             model::Protocol::tcp);
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->sockets.size(), 2U);
  EXPECT_EQ(answer->sockets[0].state, SocketState::listen);
  EXPECT_EQ(answer->sockets[0].local_port, 4444);
  EXPECT_EQ(answer->sockets[0].uid, 33U);
  EXPECT_EQ(answer->sockets[0].inode, 777U);
  EXPECT_TRUE(answer->done);
  EXPECT_FALSE(answer->interrupted);
}

TEST(ParseSockDiag, ReadsTheAnswerToTheOlderQuestionToo) {
  const auto answer = parsed(listener_message(0, TCPDIAG_GETSOCK), model::Protocol::tcp);
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->sockets.size(), 1U);
  EXPECT_EQ(answer->sockets[0].local_port, 4444);
}

TEST(ParseSockDiag, SaysWhenTheTableChangedMeanwhile) {
  const auto answer = parsed(listener_message(NLM_F_DUMP_INTR), model::Protocol::tcp);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->interrupted);
  EXPECT_FALSE(answer->done);
}

TEST(ParseSockDiag, PassesTheKernelsRefusalOn) {
  const auto refused = parsed(error_message(-EPERM), model::Protocol::tcp);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
  EXPECT_FALSE(parsed(error_message(INT32_MIN), model::Protocol::tcp).has_value());
}

TEST(ParseSockDiag, ADumpThatEndsWithAnErrorIsNotAnEmptyTable) {
  const int code = -ENOENT;
  const auto answer =
      parsed(message(NLMSG_DONE, {reinterpret_cast<const char*>(&code), sizeof code}),
             model::Protocol::udp);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::not_found);
}

TEST(ParseSockDiag, RefusesAMessageCutShort) {
  const std::string whole = listener_message();
  for (std::size_t n = 1; n < whole.size(); ++n) {
    EXPECT_FALSE(parsed(whole.substr(0, n), model::Protocol::tcp).has_value()) << n;
  }
}

TEST(ParseSockDiag, AddsToWhatIsThere) {
  std::vector<Socket> sockets(3);
  ASSERT_TRUE(parse_sock_diag(listener_message(), model::Protocol::tcp, sockets).has_value());
  ASSERT_EQ(sockets.size(), 4U);
  EXPECT_EQ(sockets[0], Socket());
  EXPECT_EQ(sockets[3].local_port, 4444);
}

TEST(ParseSockDiag, RefusesAnEmptyDatagram) {
  EXPECT_FALSE(parsed({}, model::Protocol::tcp).has_value());
}

TEST(ParseSockDiag, RefusesALengthThatLooksNegative) {
  std::string bytes = listener_message();
  bytes[3] = '\x80';  // The highest byte of nlmsg_len.
  EXPECT_FALSE(parsed(bytes, model::Protocol::tcp).has_value());
}

TEST(ParseSockDiag, AcceptsAnyBytes) {
  EXPECT_TRUE(rc::check("never reads past the end", [](const std::string& noise) {
    std::string bytes = *rc::gen::arbitrary<bool>() ? listener_message() + noise : noise;
    if (!bytes.empty()) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    }
    const auto answer = parsed(bytes, model::Protocol::udp);
    if (answer) RC_ASSERT(answer->sockets.size() * sizeof(inet_diag_msg) <= bytes.size());
  }));
}

constexpr char kTcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 "
    "31337 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0A00000A:0016 0202000A:D431 01 00000000:00000000 02:000A8F2B 00000000     0        0 "
    "4242 4 0000000000000000 20 4 30 10 -1\n";
constexpr char kTcp6[] =
    "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 99 1 0\n"
    "   1: 0000000000000000FFFF00000100000A:0016 0000000000000000FFFF00000200000A:D431 01 "
    "00000000:00000000 00:00000000 00000000     0        0 98 1 0\n";

TEST(ParseProcNet, ReadsBothFamilies) {
  const auto tcp = parse_proc_net(kTcp, model::Protocol::tcp);
  ASSERT_EQ(tcp.size(), 2U);
  EXPECT_EQ(to_string(tcp[0].local), "127.0.0.1");
  EXPECT_EQ(tcp[0].local_port, 8080);
  EXPECT_EQ(tcp[0].state, SocketState::listen);
  EXPECT_EQ(tcp[0].uid, 1000U);
  EXPECT_EQ(tcp[0].inode, 31337U);
  EXPECT_EQ(to_string(tcp[1].remote), "10.0.2.2");
  const auto tcp6 = parse_proc_net(kTcp6, model::Protocol::tcp);
  ASSERT_EQ(tcp6.size(), 2U);
  EXPECT_EQ(to_string(tcp6[0].local), "::");
  EXPECT_EQ(to_string(tcp6[1].remote), "10.0.0.2");
}

TEST(ParseProcNet, AcceptsAnyBytes) {
  EXPECT_TRUE(rc::check("at most one socket a line", [](const std::string& noise) {
    std::string text = kTcp + noise;
    text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    RC_ASSERT(parse_proc_net(text, model::Protocol::tcp).size() <= lines);
  }));
}

}  // namespace
}  // namespace tocsin::agent::os
