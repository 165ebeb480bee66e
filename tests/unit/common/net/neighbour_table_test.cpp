#include "common/net/neighbour_table.hpp"

#include <cstring>

#include <gtest/gtest.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

namespace tocsin::net {
namespace {

template <class Part>
std::string bytes_of(const Part& part) {
  return {reinterpret_cast<const char*>(&part), sizeof part};
}

// One neighbour, as the kernel tells of it.
// `age`: of its last answer, in hundredths of a second
std::string message(const char* address, int interface, std::uint16_t state,
                    std::uint32_t age = 0) {
  const IpAddress ip = *parse_ip(address);
  ndmsg body{};
  body.ndm_ifindex = interface;
  body.ndm_state = state;
  rtattr hardware{sizeof(rtattr) + 6, NDA_LLADDR};
  const auto size = static_cast<unsigned short>(ip.v6 ? 16 : 4);
  rtattr target{static_cast<unsigned short>(sizeof(rtattr) + size), NDA_DST};
  std::string text = bytes_of(body) + bytes_of(hardware) + std::string(8, '\2') + bytes_of(target);
  text.append(reinterpret_cast<const char*>(ip.bytes.data()), size);
  const rtattr cache{sizeof(rtattr) + sizeof(nda_cacheinfo), NDA_CACHEINFO};
  text += bytes_of(cache) + bytes_of(nda_cacheinfo{age, 0, 0, 0});
  nlmsghdr head{};
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + text.size());
  head.nlmsg_type = RTM_NEWNEIGH;
  return bytes_of(head) + text;
}

std::optional<NeighbourState> state_in(std::string_view messages, const char* address,
                                       std::uint32_t interface = 0) {
  return parse_neighbour(messages, *parse_ip(address), interface, 1s);
}

// procedure M-01
TEST(NeighbourTable, SaysHowTheKernelKnowsAnAddress) {
  const std::string all = message("10.0.0.1", 2, NUD_STALE) +
                          message("10.0.0.2", 2, NUD_REACHABLE) +
                          message("fe80::1", 3, NUD_FAILED) + message("fe80::1", 4, NUD_DELAY);
  EXPECT_EQ(state_in(all, "10.0.0.1"), NeighbourState::pending);
  EXPECT_EQ(state_in(all, "10.0.0.2"), NeighbourState::there);
  EXPECT_EQ(state_in(all, "fe80::1", 3), NeighbourState::gone);
  EXPECT_EQ(state_in(all, "fe80::1", 4), NeighbourState::pending);
  EXPECT_EQ(state_in(all, "fe80::1", 5), std::nullopt);
  EXPECT_EQ(state_in(all, "10.0.0.3"), std::nullopt);
}

// A gateway that died just now is still "reachable" to the kernel.
TEST(NeighbourTable, AnAnswerFromBeforeTheLookDoesNotCount) {
  const std::string all =
      message("10.0.0.1", 2, NUD_REACHABLE, 100) + message("10.0.0.2", 2, NUD_REACHABLE, 101);
  EXPECT_EQ(state_in(all, "10.0.0.1"), NeighbourState::there);
  EXPECT_EQ(state_in(all, "10.0.0.2"), NeighbourState::pending);
}

TEST(NeighbourTable, WhatWasWrittenByHandSaysNothing) {
  EXPECT_EQ(state_in(message("10.0.0.1", 2, NUD_PERMANENT), "10.0.0.1"), NeighbourState::fixed);
}

TEST(NeighbourTable, ReadsNothingBeyondTheEnd) {
  const std::string whole = message("10.0.0.2", 2, NUD_REACHABLE);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(state_in(std::string_view(whole).substr(0, size), "10.0.0.2"), std::nullopt) << size;
  }
  std::string wrong = whole;
  wrong[sizeof(nlmsghdr) + sizeof(ndmsg)] = '\0';  // An attribute without a length.
  EXPECT_EQ(state_in(wrong, "10.0.0.2"), std::nullopt);
}

}  // namespace
}  // namespace tocsin::net
