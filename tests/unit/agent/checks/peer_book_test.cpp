#include "agent/checks/peer_book.hpp"

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
