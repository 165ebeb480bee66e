#include "agent/checks/hidden.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

using Sockets = std::vector<os::Socket>;

// As /proc/net/tcp and sock_diag gave them on a host where ssh and a mail server listen.
constexpr char kText[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "31337 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "31338 1 0000000000000000 100 0 0 10 0\n";

Sockets as_text() { return os::parse_proc_net(kText, model::Protocol::tcp); }

Sockets with(Sockets sockets, std::uint16_t port) {
  sockets.push_back(sockets.front());
  sockets.back().local_port = port;
  return sockets;
}

// procedure M-07: a rootkit that filters what /proc/net/tcp shows.
TEST(HiddenListeners, WhatOnlyNetlinkShowsIsFoundAfterThreePasses) {
  HiddenListeners hidden;
  const Sockets netlink = with(as_text(), 4444);
  for (int i = 1; i < HiddenListeners::kPasses; ++i) {
    hidden.pass(netlink, as_text(), netlink);
    EXPECT_TRUE(hidden.found().empty());
    EXPECT_TRUE(hidden.suspicious());
  }
  hidden.pass(netlink, as_text(), netlink);
  ASSERT_EQ(hidden.found().size(), 1U);
  EXPECT_EQ(hidden.found()[0], (model::HiddenListener{model::Protocol::tcp, 4444, true, false}));
}

TEST(HiddenListeners, WhatOnlyTheTextShowsIsFoundToo) {
  HiddenListeners hidden;
  const Sockets text = with(as_text(), 4444);
  for (int i = 0; i < HiddenListeners::kPasses; ++i) hidden.pass(as_text(), text, as_text());
  ASSERT_EQ(hidden.found().size(), 1U);
  EXPECT_EQ(hidden.found()[0], (model::HiddenListener{model::Protocol::tcp, 4444, false, true}));
}

// One that opens or closes while the table is read is in some answers and not in others.
TEST(HiddenListeners, AListenerThatComesOrGoesMeanwhileIsNotHidden) {
  HiddenListeners hidden;
  const Sockets more = with(as_text(), 4444);
  for (int i = 0; i < 5; ++i) {
    hidden.pass(as_text(), more, more);
    hidden.pass(more, more, as_text());
    hidden.pass(as_text(), as_text(), more);
    hidden.pass(more, as_text(), as_text());
    EXPECT_FALSE(hidden.suspicious());
  }
}

TEST(HiddenListeners, OneAnswerThatAgreesEndsTheSuspicion) {
  HiddenListeners hidden;
  const Sockets more = with(as_text(), 4444);
  for (int i = 0; i < 10; ++i) {
    hidden.pass(more, as_text(), more);
    hidden.pass(more, as_text(), more);
    hidden.pass(more, more, more);
    EXPECT_TRUE(hidden.found().empty());
  }
}

}  // namespace
}  // namespace tocsin::agent
