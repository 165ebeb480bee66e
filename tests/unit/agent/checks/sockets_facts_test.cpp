#include "agent/checks/sockets_facts.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

os::Socket listening(const char* address, std::uint16_t port, std::uint64_t inode = 1) {
  os::Socket socket;
  socket.state = os::SocketState::listen;
  socket.local = net::parse_ip(address).value_or(net::IpAddress{});
  socket.local_port = port;
  socket.inode = inode;
  return socket;
}

os::Socket connected(const char* local, std::uint16_t port, const char* remote,
                     std::uint16_t remote_port) {
  os::Socket socket = listening(local, port);
  socket.state = os::SocketState::established;
  socket.remote = net::parse_ip(remote).value_or(net::IpAddress{});
  socket.remote_port = remote_port;
  return socket;
}

SocketOwner owner(std::uint32_t pid, const char* executable) {
  return {pid, executable, model::Tristate::no, model::Tristate::no, "web.service"};
}

model::SocketsFacts facts_of(const std::vector<SeenListener>& seen,
                             const std::vector<os::Socket>& connections) {
  std::vector<os::Socket> listening;
  for (const SeenListener& one : seen) listening.push_back(one.socket);
  PeerBook book;
  book.look(connections, services_of(listening), MonoTime{}, Instant{});
  return sockets_facts(seen, book);
}

TEST(SocketsFacts, WorkersThatShareAPortAreOneListener) {
  const std::vector<SeenListener> seen{
      {listening("0.0.0.0", 80, 1), "www", {owner(12, "/usr/sbin/nginx")}},
      {listening("0.0.0.0", 80, 2), "www", {owner(11, "/usr/sbin/nginx")}},
      {listening("0.0.0.0", 80, 2), "www", {owner(12, "/usr/sbin/nginx")}}};
  const auto facts = facts_of(seen, {});
  ASSERT_EQ(facts.listeners.size(), 1U);
  EXPECT_EQ(facts.listeners[0].process_ids, (std::vector<std::uint32_t>{11, 12}));
  EXPECT_EQ(facts.listeners[0].address_class, model::AddressClass::any);
  EXPECT_EQ(facts.listeners[0].unit, "web.service");
}

TEST(SocketsFacts, ASecondProgramOnTheSamePortIsSeen) {
  const std::vector<SeenListener> seen{
      {listening("0.0.0.0", 80), "www", {owner(1, "/usr/sbin/nginx"), owner(2, "/tmp/x")}}};
  EXPECT_EQ(facts_of(seen, {}).listeners.size(), 2U);
}

TEST(SocketsFacts, AnOwnerThatCannotBeSeenIsCountedAndLeftEmpty) {
  const std::vector<SeenListener> seen{{listening("127.0.0.1", 80), "root", {}}};
  const auto facts = facts_of(seen, {});
  ASSERT_EQ(facts.listeners.size(), 1U);
  EXPECT_EQ(facts.owners_unknown, 1U);
  EXPECT_EQ(facts.listeners[0].executable, "");
  EXPECT_EQ(facts.listeners[0].executable_deleted, model::Tristate::unknown);
  EXPECT_TRUE(facts.listeners[0].process_ids.empty());
}

TEST(SocketsFacts, CleansWhatTheHostNamed) {
  const std::vector<SeenListener> seen{
      {listening("0.0.0.0", 1), "a\nb", {owner(1, "/tmp/\x1b[2J")}}};
  const auto facts = facts_of(seen, {});
  EXPECT_EQ(facts.listeners[0].executable, "/tmp/\\x1b[2J");
  EXPECT_EQ(facts.listeners[0].user, "a\\x0ab");
}

TEST(SocketsFacts, CountsConnectionsByServiceAndPrefix) {
  const std::vector<SeenListener> seen{{listening("0.0.0.0", 22), "root", {}}};
  const std::vector<os::Socket> connections{connected("10.0.0.1", 22, "203.0.113.5", 40000),
                                            connected("10.0.0.1", 22, "203.0.113.9", 40001),
                                            connected("10.0.0.1", 55555, "198.51.100.1", 443),
                                            connected("127.0.0.1", 22, "127.0.0.1", 40002),
                                            connected("10.0.0.1", 22, "10.0.0.1", 40003)};
  const auto facts = facts_of(seen, connections);
  ASSERT_EQ(facts.peers.size(), 2U);
  EXPECT_EQ(facts.peers[0],
            (model::PeerAggregate{model::Protocol::tcp, 22, true, "203.0.113.0/24", 0, 2}));
  EXPECT_EQ(facts.peers[1],
            (model::PeerAggregate{model::Protocol::tcp, 0, false, "198.51.100.0/24", 443, 1}));
}

TEST(SocketsFacts, TheSamePortInAnotherNetworkNamespaceIsAnotherListener) {
  const std::vector<SeenListener> seen{
      {listening("0.0.0.0", 80, 1), "www", {owner(1, "/usr/sbin/nginx")}},
      {listening("0.0.0.0", 80, 2), "www", {owner(2, "/usr/sbin/nginx")}, "blue\n"}};
  const auto facts = facts_of(seen, {});
  ASSERT_EQ(facts.listeners.size(), 2U);
  EXPECT_EQ(facts.listeners[0].network_namespace, "");
  EXPECT_EQ(facts.listeners[1].network_namespace, "blue\\x0a");
}

TEST(SocketsFacts, WhatDoesNotFitIsCounted) {
  std::vector<SeenListener> seen;
  std::vector<os::Socket> connections;
  for (std::uint16_t i = 0; i < limits::kListeners + 3; ++i) {
    seen.push_back({listening("0.0.0.0", static_cast<std::uint16_t>(i + 1)), "root", {}});
  }
  for (std::uint16_t i = 0; i < limits::kPeers + 5; ++i) {
    connections.push_back(
        connected("10.0.0.1", 60000, "8.8.8.8", static_cast<std::uint16_t>(i + 1)));
  }
  const auto facts = facts_of(seen, connections);
  EXPECT_EQ(facts.listeners.size(), limits::kListeners);
  EXPECT_EQ(facts.listeners_over_limit, 3U);
  EXPECT_EQ(facts.peers.size(), limits::kPeers);
  EXPECT_EQ(facts.peers_over_limit, 5U);
}

TEST(SocketsFacts, DoNotDependOnTheOrderOfTheTable) {
  EXPECT_TRUE(rc::check("any order gives the same facts", [] {
    std::vector<SeenListener> seen;
    const int count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i) {
      const auto port = *rc::gen::inRange<std::uint16_t>(1, 5);
      SeenListener one{listening("0.0.0.0", port), "u", {}};
      const int owners = *rc::gen::inRange(0, 3);
      for (int j = 0; j < owners; ++j) {
        one.owners.push_back(owner(*rc::gen::inRange(1U, 9U), j == 0 ? "/a" : "/b"));
        one.owners.back().world_writable = static_cast<model::Tristate>(*rc::gen::inRange(0, 3));
      }
      seen.push_back(one);
    }
    std::vector<SeenListener> turned(seen.rbegin(), seen.rend());
    RC_ASSERT(facts_of(seen, {}) == facts_of(turned, {}));
  }));
}

TEST(ExecutableLink, SeparatesTheKernelsMark) {
  EXPECT_EQ(parse_executable_link("/tmp/x (deleted)").path, "/tmp/x");
  EXPECT_TRUE(parse_executable_link("/tmp/x (deleted)").deleted);
  EXPECT_FALSE(parse_executable_link("/tmp/x").deleted);
  EXPECT_EQ(parse_executable_link("").path, "");
}

}  // namespace
}  // namespace tocsin::agent
