// The kernel's answer over netlink against its own text of the same table.
#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "agent/os/files.hpp"
#include "agent/os/sock_diag.hpp"
#include "agent/os/socket_counts.hpp"

namespace tocsin::agent {
namespace {

using os::SocketQuery;

void raise_loopback() {
  const os::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::string("lo").copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
}

sockaddr_in6 loopback(int family) {
  sockaddr_in6 address{};
  address.sin6_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    address.sin6_addr = in6addr_loopback;
  } else {
    reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  return address;
}

// Of one family: a listener, a connection to it with both ends, a bound UDP socket.
void open_sockets(int family, std::vector<os::Fd>& open) {
  sockaddr_in6 address = loopback(family);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    address = loopback(family);
    open.emplace_back(::socket(family, type | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(open.back().get(), raw, size), 0);
  }
  const int listener = open.back().get();
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, raw, &size), 0);
  open.emplace_back(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(open.back().get(), raw, size), 0);
  open.emplace_back(::accept(listener, nullptr, nullptr));
  ASSERT_TRUE(open.back().valid());
}

std::vector<os::Socket> sorted(std::vector<os::Socket> sockets) {
  std::sort(sockets.begin(), sockets.end(),
            [](const os::Socket& a, const os::Socket& b) { return a.inode < b.inode; });
  return sockets;
}

void compare() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
  raise_loopback();
  std::vector<os::Fd> open;
  open_sockets(AF_INET, open);
  open_sockets(AF_INET6, open);
  os::SocketReader reader("/");
  for (const auto& [query, count] :
       {std::pair(SocketQuery::tcp_listeners, 2U), std::pair(SocketQuery::listeners, 4U),
        std::pair(SocketQuery::connections, 4U)}) {
    std::vector<os::Socket> asked;
    ASSERT_TRUE(reader.read(query, asked));
    EXPECT_TRUE(reader.asks_kernel());
    EXPECT_EQ(asked.size(), count);
    std::vector<os::Socket> text;
    ASSERT_TRUE(os::read_proc_net(query, "/proc/thread-self/net", text));
    EXPECT_EQ(sorted(asked), sorted(text));
  }
}

// In a network namespace of its own, where nobody else opens sockets.
TEST(SocketReader, SeesWhatTheKernelsTextSays) { std::thread(compare).join(); }

// Made long before it listens, so that the number of all sockets does not move then.
TEST(SocketCounter, CountsAnOldSocketThatBeginsToListenAtTheSecondReadAtLatest) {
  for (const int family : {AF_INET, AF_INET6}) {
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
      raise_loopback();
      const os::Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      auto counter = os::SocketCounter::open();
      ASSERT_TRUE(counter);
      for (int reads_before = 0; reads_before < 6; ++reads_before) {
        const auto before = counter->read();
        ASSERT_TRUE(before);
        ASSERT_EQ(before->tcp + before->tcp6, 0U);
      }
      ASSERT_EQ(::listen(socket.get(), 1), 0);
      ASSERT_TRUE(counter->read());
      const auto after = counter->read();
      ASSERT_TRUE(after);
      EXPECT_EQ(family == AF_INET ? after->tcp : after->tcp6, 1U);
    }).join();
  }
}

}  // namespace
}  // namespace tocsin::agent
