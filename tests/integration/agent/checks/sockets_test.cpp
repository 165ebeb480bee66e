#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/os/files.hpp"
#include "agent/os/sock_events.hpp"
#include "tests/integration/agent/checks/check_run.hpp"

namespace tocsin::agent {
namespace {

struct Bound {
  os::Fd fd;
  std::uint16_t port = 0;
};

Bound bind_loopback(int type, std::uint16_t port = 0, bool share = false) {
  Bound bound{os::Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)), 0};
  const int on = 1;
  if (share) ::setsockopt(bound.fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(type == SOCK_STREAM ? ::listen(bound.fd.get(), 1) : 0, 0);
  ::getsockname(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  bound.port = ntohs(address.sin_port);
  return bound;
}

Bound bind_to_any() {
  Bound bound{os::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  EXPECT_EQ(::listen(bound.fd.get(), 1), 0);  // the kernel takes a port
  return bound;
}

std::vector<model::Listener> on_port(const model::SocketsFacts& facts, model::Protocol protocol,
                                     std::uint16_t port) {
  std::vector<model::Listener> found;
  std::copy_if(facts.listeners.begin(), facts.listeners.end(), std::back_inserter(found),
               [&](const model::Listener& l) { return l.protocol == protocol && l.port == port; });
  return found;
}

// As a test binds: another program may have the same number at another address.
std::vector<model::Listener> on_loopback(const model::SocketsFacts& facts, model::Protocol protocol,
                                         std::uint16_t port) {
  std::vector<model::Listener> found = on_port(facts, protocol, port);
  std::erase_if(found, [](const model::Listener& l) { return l.address != "127.0.0.1"; });
  return found;
}

// procedure M-07
TEST(SocketsCheck, NamesTheProgramBehindAListener) {
  const Bound tcp = bind_loopback(SOCK_STREAM);
  const Bound udp = bind_loopback(SOCK_DGRAM);
  CheckRun check(model::CheckKind::sockets);
  const auto facts = check.facts<model::SocketsFacts>();
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  for (const auto& [protocol, port] :
       {std::pair(model::Protocol::tcp, tcp.port), std::pair(model::Protocol::udp, udp.port)}) {
    const auto found = on_loopback(facts, protocol, port);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].address, "127.0.0.1");
    EXPECT_EQ(found[0].address_class, model::AddressClass::loopback);
    EXPECT_EQ(found[0].executable, self);
    EXPECT_EQ(found[0].executable_deleted, model::Tristate::no);
    EXPECT_EQ(found[0].uid, ::getuid());
    EXPECT_EQ(found[0].process_ids,
              std::vector<std::uint32_t>{static_cast<std::uint32_t>(::getpid())});
  }
}

TEST(SocketsCheck, SeesAListenerComeAndGoBetweenRuns) {
  CheckRun check(model::CheckKind::sockets);
  check.facts<model::SocketsFacts>();
  std::uint16_t port = 0;
  {
    const Bound tcp = bind_loopback(SOCK_STREAM);
    port = tcp.port;
    const auto facts = check.facts<model::SocketsFacts>();
    const auto found = on_loopback(facts, model::Protocol::tcp, port);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].executable.empty());
    // Again, now from memory.
    EXPECT_EQ(on_loopback(check.facts<model::SocketsFacts>(), model::Protocol::tcp, port), found);
  }
  EXPECT_TRUE(on_loopback(check.facts<model::SocketsFacts>(), model::Protocol::tcp, port).empty());
}

TEST(SocketsCheck, SocketsThatShareAPortAreOneListener) {
  const Bound first = bind_loopback(SOCK_STREAM, 0, true);
  const Bound second = bind_loopback(SOCK_STREAM, first.port, true);
  CheckRun check(model::CheckKind::sockets);
  EXPECT_EQ(
      on_loopback(check.facts<model::SocketsFacts>(), model::Protocol::tcp, first.port).size(), 1U);
}

TEST(SocketsCheck, ANewUnconnectedSocketOnAnEphemeralPortIsNotAListenerYet) {
  CheckRun check(model::CheckKind::sockets);
  check.facts<model::SocketsFacts>();
  const Bound udp = bind_loopback(SOCK_DGRAM);
  EXPECT_TRUE(
      on_loopback(check.facts<model::SocketsFacts>(), model::Protocol::udp, udp.port).empty());
}

// A program that runs from a place where anybody can write and was removed after its start.
TEST(SocketsCheck, TellsAProgramThatWasDeletedFromAWorldWritablePlace) {
  const std::string program = "/tmp/tocsin-test-listener-" + std::to_string(::getpid());
  std::filesystem::copy_file("/bin/sleep", program,
                             std::filesystem::copy_options::overwrite_existing);
  const Bound tcp = bind_loopback(SOCK_STREAM);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(tcp.fd.get(), 9);  // The copy is not close-on-exec, so the program listens too.
    ::execl(program.c_str(), program.c_str(), "60", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const std::string link = "/proc/" + std::to_string(child) + "/exe";
  while (std::filesystem::read_symlink(link) != program) ::usleep(1000);
  std::filesystem::remove(program);
  CheckRun check(model::CheckKind::sockets);
  const auto found = on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, tcp.port);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_EQ(found.size(), 2U);  // This process holds it too.
  const auto hostile = std::find_if(found.begin(), found.end(),
                                    [&](const auto& l) { return l.executable == program; });
  ASSERT_NE(hostile, found.end());
  EXPECT_EQ(hostile->executable_deleted, model::Tristate::yes);
  EXPECT_EQ(hostile->executable_world_writable, model::Tristate::yes);
}

TEST(SocketsCheck, TheGlanceTellsWhetherTheListenersAreStillThoseOfTheLastRun) {
  CheckRun check(model::CheckKind::sockets);
  const Glance& glance = catalog_entry(model::CheckKind::sockets).glance;
  EXPECT_FALSE(glance(check.context));  // There was no run yet.
  const Bound tcp = bind_loopback(SOCK_STREAM);
  // Others on this machine may open and close ports meanwhile: until one moment was quiet.
  const auto settles = [&](bool expected) {
    for (int i = 0; i < 200; ++i) {
      check.facts<model::SocketsFacts>();
      if (glance(check.context) == expected) return true;
    }
    return false;
  };
  EXPECT_TRUE(settles(false));
  const Bound another = bind_loopback(SOCK_STREAM);
  EXPECT_TRUE(glance(check.context));
}

// The number of sockets is the same then: the event of the one that ended tells it.
TEST(SocketsCheck, TheGlanceSeesAListenerThatTookAnothersPlace) {
  bool seen = false;
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);  // so that nothing else moves the numbers
    Bound first = bind_to_any();
    CheckRun check(model::CheckKind::sockets);
    check.facts<model::SocketsFacts>();
    const Glance& glance = catalog_entry(model::CheckKind::sockets).glance;
    EXPECT_FALSE(glance(check.context));
    first.fd = os::Fd();
    const Bound second = bind_to_any();
    const MonoTime start = check.clock.steady();
    // The kernel tells an end a moment later; without it the list is read after five seconds.
    while (!seen && check.clock.steady() - start < 4s) seen = glance(check.context);
  }).join();
  EXPECT_TRUE(seen);
}

// Loopback with a second address, in a network namespace of the calling thread.
void own_network() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const os::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
  for (const auto& [name, text] :
       {std::pair("lo:1", "192.0.2.1"), std::pair("lo:2", "198.51.100.1")}) {
    std::strncpy(request.ifr_name, name, IFNAMSIZ);
    auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
    *address = {};
    address->sin_family = AF_INET;
    ASSERT_EQ(::inet_pton(AF_INET, text, &address->sin_addr), 1);
    ASSERT_EQ(::ioctl(any.get(), SIOCSIFADDR, &request), 0);
  }
}

os::Fd bound_to(const char* text, std::uint16_t port) {
  os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET, text, &address.sin_addr), 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// procedure M-08
TEST(SocketsCheck, AConnectionThatCameAndWentBetweenTwoRunsIsSeen) {
  std::vector<model::PeerAggregate> peers;
  std::thread([&] {
    own_network();
    const os::Fd listener = bound_to("192.0.2.1", 2222);
    ASSERT_EQ(::listen(listener.get(), 8), 0);
    CheckRun check(model::CheckKind::sockets);
    EXPECT_TRUE(check.facts<model::SocketsFacts>().peers.empty());
    for (int i = 0; i < 3; ++i) {
      const os::Fd client = bound_to("198.51.100.1", 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(2222);
      ASSERT_EQ(::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr), 1);
      ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
      const os::Fd accepted(::accept(listener.get(), nullptr, nullptr));
      ASSERT_TRUE(accepted.valid());
      const linger at_once{1, 0};  // So that nothing of it stays in the table.
      ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    // The kernel tells of an end after it: seen when all three are.
    for (int i = 0; i < 1000; ++i) {
      peers = check.facts<model::SocketsFacts>().peers;
      if (!peers.empty() && peers[0].count == 3) break;
      ::usleep(1000);
    }
  }).join();
  ASSERT_FALSE(peers.empty());
  EXPECT_TRUE(peers[0].inbound);
  EXPECT_EQ(peers[0].local_port, 2222);
  EXPECT_EQ(peers[0].remote_prefix, "198.51.100.0/24");
  EXPECT_EQ(peers[0].count, 3U);
}

// More ends than the kernel keeps for us: some are lost, and that is counted.
TEST(SocketsCheck, LostEndsOfConnectionsAreCounted) {
  std::uint32_t lost = 0;
  std::vector<os::Socket> ended;
  std::thread([&] {
    own_network();
    const os::Fd listener = bound_to("192.0.2.1", 2222);
    ASSERT_EQ(::listen(listener.get(), 8), 0);
    auto events = os::SocketEvents::open(4096);
    ASSERT_TRUE(events);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(2222);
    ASSERT_EQ(::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr), 1);
    for (int i = 0; i < 200; ++i) {
      const os::Fd client = bound_to("198.51.100.1", 0);
      ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
      const os::Fd accepted(::accept(listener.get(), nullptr, nullptr));
      const linger at_once{1, 0};
      ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    // The kernel tells of an end after it.
    for (int i = 0; i < 1000 && events->overflows() == 0; ++i) {
      events->read(1024, ended);
      ::usleep(1000);
    }
    lost = events->overflows();
  }).join();
  EXPECT_GT(lost, 0U);
  EXPECT_LT(ended.size(), 400U);
}

// procedure M-07
TEST(SocketsCheck, AListenerInAnotherNetworkNamespaceIsSeen) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    own_network();
    const os::Fd listener = bound_to("192.0.2.1", 4444);
    ::listen(listener.get(), 8);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  CheckRun check(model::CheckKind::sockets);
  const auto found = on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, 4444);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  // Gone with its program, and not left behind as a listener of nobody.
  const auto later = on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, 4444);
  EXPECT_TRUE(std::none_of(later.begin(), later.end(), [](const auto& l) {
    return !l.network_namespace.empty() && l.executable.empty();
  }));
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const auto theirs = std::find_if(found.begin(), found.end(), [&](const auto& l) {
    return !l.network_namespace.empty() && l.executable == self;
  });
  ASSERT_NE(theirs, found.end());
  EXPECT_EQ(theirs->address, "192.0.2.1");
}

}  // namespace
}  // namespace tocsin::agent
