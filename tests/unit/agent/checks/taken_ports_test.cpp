#include "agent/checks/taken_ports.hpp"

#include <set>

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

using model::Protocol;
using os::BindTrial;
using Port = std::pair<Protocol, std::uint16_t>;

os::Socket socket_on(Protocol protocol, std::uint16_t port) {
  os::Socket socket;
  socket.protocol = protocol;
  socket.local_port = port;
  return socket;
}

// A host: which ports are taken, and which of them its tables list.
struct Host {
  std::set<Port> taken;
  std::set<Port> listed;
  std::size_t tried = 0;
  std::size_t listings = 0;
  bool privileged = true;
  std::uint16_t first = 1;

  PortWays ways() {
    return {[this](Protocol protocol, std::uint16_t port) {
              ++tried;
              if (!privileged && port < 1024) return BindTrial::not_permitted;
              return taken.contains({protocol, port}) ? BindTrial::taken : BindTrial::free;
            },
            [this](std::vector<os::Socket>& into) -> Status {
              ++listings;
              into.clear();
              for (const auto& [protocol, port] : listed) into.push_back(socket_on(protocol, port));
              return {};
            },
            first};
  }
};

void looks(TakenPorts& ports, Host& host, int count, std::vector<std::uint16_t> asked = {},
           bool bound_is_listed = true) {
  for (int i = 0; i < count; ++i) {
    ASSERT_TRUE(ports.look({}, asked, bound_is_listed, host.ways()));
  }
}

// procedure M-07: a rootkit that filters every table.
TEST(TakenPorts, OneThatNothingListsIsFoundAfterThreePasses) {
  Host host;
  host.taken = {{Protocol::tcp, 31337}};
  TakenPorts ports;
  looks(ports, host, TakenPorts::kPasses - 1, {31337});
  EXPECT_TRUE(ports.suspicious());
  EXPECT_TRUE(ports.found().empty());
  looks(ports, host, 1, {31337});
  EXPECT_EQ(ports.found(),
            (std::vector<model::HiddenListener>{{Protocol::tcp, 31337, false, false, true}}));
}

TEST(TakenPorts, EveryPortHasItsTurn) {
  Host host;
  host.taken = {{Protocol::tcp, 31337}, {Protocol::udp, 65535}};
  TakenPorts ports;
  looks(ports, host, 65535 / TakenPorts::kPortsALook + 1 + TakenPorts::kPasses);
  ASSERT_EQ(ports.found().size(), 2U);
  EXPECT_EQ(ports.found()[1].protocol, Protocol::udp);
  EXPECT_EQ(ports.found()[1].port, 65535);
}

TEST(TakenPorts, AConnectionsPortIsListedAndNotHidden) {
  Host host;
  host.taken = host.listed = {{Protocol::tcp, 40000}};
  TakenPorts ports;
  looks(ports, host, 5, {40000});
  EXPECT_FALSE(ports.suspicious());
  EXPECT_EQ(host.listings, 10U);
}

TEST(TakenPorts, WhatListensOpenlyIsNotTried) {
  Host host;
  host.taken = {{Protocol::tcp, 2}};
  TakenPorts ports;
  const os::Socket listener = socket_on(Protocol::tcp, 2);
  ASSERT_TRUE(ports.look({&listener, 1}, {}, true, host.ways()));
  EXPECT_EQ(host.tried, 2 * TakenPorts::kPortsALook - 1);
  EXPECT_EQ(host.listings, 0U);
}

TEST(TakenPorts, OneThatIsFreeOnceIsForgotten) {
  Host host;
  host.taken = {{Protocol::tcp, 31337}};
  TakenPorts ports;
  looks(ports, host, 2, {31337});
  host.taken.clear();
  looks(ports, host, 1);
  EXPECT_FALSE(ports.suspicious());
  host.taken = {{Protocol::tcp, 31337}};
  looks(ports, host, 1, {31337});
  EXPECT_TRUE(ports.found().empty());
}

// Before Linux 6.8 nothing lists a TCP socket that is bound and does not listen.
TEST(TakenPorts, AnOldKernelsBoundSocketIsOnlyCounted) {
  Host host;
  host.taken = {{Protocol::tcp, 31337}, {Protocol::udp, 31337}};
  TakenPorts ports(31337);
  looks(ports, host, TakenPorts::kPasses, {}, false);
  EXPECT_EQ(ports.unexplained(), 1U);
  ASSERT_EQ(ports.found().size(), 1U);
  EXPECT_EQ(ports.found()[0].protocol, Protocol::udp);
}

TEST(TakenPorts, PrivilegedPortsAreLeftOutWhereTheyAreRefused) {
  Host host;
  host.privileged = false;
  TakenPorts ports;
  looks(ports, host, 1);
  host.taken = {{Protocol::tcp, 1024}};
  looks(ports, host, TakenPorts::kPasses);
  EXPECT_EQ(ports.found().size(), 1U);
  EXPECT_EQ(ports.tried_from(), 1024);
}

TEST(TakenPorts, TheTurnBeginsAtTheFirstPortThatMayBeBound) {
  Host host;
  host.first = 80;
  host.taken = {{Protocol::tcp, 80}, {Protocol::tcp, 79}};
  TakenPorts ports;
  looks(ports, host, 65535 / TakenPorts::kPortsALook + 1 + TakenPorts::kPasses);
  EXPECT_EQ(ports.found(),
            (std::vector<model::HiddenListener>{{Protocol::tcp, 80, false, false, true}}));
  EXPECT_EQ(ports.tried_from(), 80);
  host.first = 1;  // The right came, as with a new start of the service.
  looks(ports, host, 1);
  EXPECT_EQ(ports.tried_from(), 1);
}

TEST(TakenPorts, AListingThatFailsProvesNothing) {
  Host host;
  host.taken = {{Protocol::tcp, 31337}};
  TakenPorts ports;
  const std::vector<std::uint16_t> asked{31337};
  PortWays ways = host.ways();
  ways.list_all = [](std::vector<os::Socket>&) -> Status {
    return fail(ErrorCode::unavailable, "no");
  };
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(ports.look({}, asked, true, ways));
  EXPECT_TRUE(ports.found().empty());
}

}  // namespace
}  // namespace tocsin::agent
