#include "agent/checks/peer_book.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

const PeerBook::Services kSsh{{model::Protocol::tcp, std::uint16_t{22}}};

os::Socket connection(const char* remote, std::uint16_t local_port = 22,
                      std::uint16_t remote_port = 40000) {
  os::Socket socket;
  socket.state = os::SocketState::established;
  socket.local = net::parse_ip("10.0.0.1").value_or(net::IpAddress{});
  socket.local_port = local_port;
  socket.remote = net::parse_ip(remote).value_or(net::IpAddress{});
  socket.remote_port = remote_port;
  return socket;
}

std::vector<model::PeerAggregate> rows(const PeerBook& book) {
  model::SocketsFacts facts;
  book.put(facts);
  return facts.peers;
}

// procedure M-08
TEST(PeerBook, AConnectionBetweenTwoLooksIsCounted) {
  PeerBook book;
  const std::vector<os::Socket> ended{connection("203.0.113.5"), connection("203.0.113.6")};
  book.look({}, kSsh, MonoTime{}, Instant{});
  book.ended(ended, kSsh, MonoTime{} + 1s, Instant{1});
  ASSERT_EQ(rows(book).size(), 1U);
  EXPECT_EQ(rows(book)[0], (model::PeerAggregate{model::Protocol::tcp, 22, true, "203.0.113.0/24",
                                                 0, 2, Instant{1}, Instant{1}}));
}

TEST(PeerBook, AConnectionThatEndsIsNotCountedTwice) {
  PeerBook book;
  const std::vector<os::Socket> one{connection("203.0.113.5")};
  book.look(one, kSsh, MonoTime{}, Instant{});
  book.ended(one, kSsh, MonoTime{} + 1s, Instant{1});
  EXPECT_EQ(rows(book)[0].count, 1U);
  book.look({}, kSsh, MonoTime{} + 30s, Instant{2});
  EXPECT_EQ(rows(book)[0].count, 1U);
}

TEST(PeerBook, ASourceThatComesAndGoesIsOneRowUntilItStaysAway) {
  PeerBook book;
  const std::vector<os::Socket> one{connection("203.0.113.5")};
  book.look(one, kSsh, MonoTime{}, Instant{});
  book.look({}, kSsh, MonoTime{} + 9min, Instant{});
  EXPECT_EQ(rows(book).size(), 1U);
  book.look(one, kSsh, MonoTime{} + 9min + 30s, Instant{});
  book.look({}, kSsh, MonoTime{} + 19min, Instant{});
  EXPECT_EQ(rows(book).size(), 1U);
  book.look({}, kSsh, MonoTime{} + 20min, Instant{});
  EXPECT_TRUE(rows(book).empty());
}

std::vector<std::string> sources(const PeerBook& book) {
  std::vector<std::string> all;
  for (const model::PeerAggregate& row : rows(book)) all.push_back(row.remote_prefix);
  return all;
}

// procedure M-08: a rule finer than a network can be judged only where addresses are told.
TEST(PeerBook, OfAPortThatHasToBeExactEachAddressIsARow) {
  PeerBook book;
  const PeerBook::Services both{{model::Protocol::tcp, std::uint16_t{22}},
                                {model::Protocol::tcp, std::uint16_t{80}}};
  EXPECT_TRUE(book.be_exact_about("22"));
  EXPECT_FALSE(book.be_exact_about("22"));
  const std::vector<os::Socket> open{
      connection("203.0.113.5"), connection("203.0.113.6"),     connection("::ffff:203.0.113.6"),
      connection("2001:db8::7"), connection("203.0.113.5", 80), connection("203.0.113.6", 80)};
  book.look(open, both, MonoTime{}, Instant{});
  EXPECT_EQ(sources(book), (std::vector<std::string>{"2001:db8::7", "203.0.113.5", "203.0.113.6",
                                                     "203.0.113.0/24"}));
  EXPECT_EQ(rows(book)[2].count, 2U);
  model::SocketsFacts facts;
  book.put(facts);
  EXPECT_EQ(facts.sources_not_exact, 0U);
}

TEST(PeerBook, WhatCameBeforeThePortHadToBeExactStaysANetworkForAWhile) {
  PeerBook book;
  const std::vector<os::Socket> one{connection("203.0.113.5")};
  book.look(one, kSsh, MonoTime{}, Instant{});
  book.be_exact_about("22");
  book.look(one, kSsh, MonoTime{} + 30s, Instant{});
  EXPECT_EQ(sources(book), (std::vector<std::string>{"203.0.113.0/24", "203.0.113.5"}));
  model::SocketsFacts facts;
  book.put(facts);
  EXPECT_EQ(facts.sources_not_exact, 1U);
  book.look(one, kSsh, MonoTime{} + 10min, Instant{});
  EXPECT_EQ(sources(book), std::vector<std::string>{"203.0.113.5"});
}

// Somebody who calls from everywhere must not push the sources of other services out.
TEST(PeerBook, AddressesOfAServiceAreBoundedAndTheRestIsCountedByNetwork) {
  PeerBook book;
  book.be_exact_about("22,23");
  const PeerBook::Services both{{model::Protocol::tcp, std::uint16_t{22}},
                                {model::Protocol::tcp, std::uint16_t{23}}};
  std::vector<os::Socket> many;
  for (std::size_t i = 0; i < PeerBook::kExactSources + 50; ++i) {
    many.push_back(connection(("10.0.0." + std::to_string(i)).c_str()));
  }
  many.push_back(connection("10.0.0.2", 23));
  book.look(many, both, MonoTime{}, Instant{});
  model::SocketsFacts facts;
  book.put(facts);
  EXPECT_EQ(facts.peers.size(), PeerBook::kExactSources + 2);
  EXPECT_EQ(facts.sources_not_exact, 1U);
  EXPECT_EQ(facts.peers_over_limit, 0U);
  EXPECT_EQ(facts.peers.back().remote_prefix, "10.0.0.2") << "of the other service";
  // What is forgotten makes room.
  book.look({}, both, MonoTime{} + 10min, Instant{});
  book.look({&many.back() - 1, 1}, both, MonoTime{} + 11min, Instant{});
  EXPECT_EQ(sources(book), std::vector<std::string>{"10.0.0.177"});
}

TEST(PeerBook, AListenerThatClosesIsNoConnection) {
  PeerBook book;
  const std::vector<os::Socket> closed{connection("0.0.0.0", 22, 0)};
  book.ended(closed, kSsh, MonoTime{}, Instant{});
  EXPECT_TRUE(rows(book).empty());
}

TEST(PeerBook, InboundRowsComeFirstAndWhatDoesNotFitIsCounted) {
  PeerBook book;
  std::vector<os::Socket> many{connection("203.0.113.5")};
  for (std::uint16_t i = 0; i < 5 * limits::kPeers; ++i) {
    many.push_back(connection("198.51.100.1", 60000, static_cast<std::uint16_t>(i + 1)));
  }
  book.look(many, kSsh, MonoTime{}, Instant{});
  model::SocketsFacts facts;
  book.put(facts);
  ASSERT_EQ(facts.peers.size(), limits::kPeers);
  EXPECT_TRUE(facts.peers[0].inbound);
  EXPECT_EQ(facts.peers_over_limit, many.size() - limits::kPeers);
}

}  // namespace
}  // namespace tocsin::agent
