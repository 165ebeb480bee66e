// Real sockets on the real kernel; a lister that leaves one port out stands for a rootkit that
// filters netlink and /proc.
#include "agent/checks/taken_ports.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/os/files.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/own_network.hpp"

namespace tocsin::agent {
namespace {

using model::Protocol;
using os::BindTrial;

struct Bound {
  os::Fd fd;
  std::uint16_t port = 0;
};

Bound bind_to(int type, in_addr_t address, bool reuse, bool listen, std::uint16_t port = 0) {
  Bound bound{os::Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)), 0};
  const int on = reuse ? 1 : 0;
  ::setsockopt(bound.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(address);
  to.sin_port = htons(port);
  socklen_t size = sizeof to;
  EXPECT_EQ(::bind(bound.fd.get(), reinterpret_cast<sockaddr*>(&to), size), 0);
  EXPECT_EQ(listen ? ::listen(bound.fd.get(), 1) : 0, 0);
  ::getsockname(bound.fd.get(), reinterpret_cast<sockaddr*>(&to), &size);
  bound.port = ntohs(to.sin_port);
  return bound;
}

TEST(TryBind, AListenerRefusesWhateverItsAddressAndOptions) {
  for (const in_addr_t address : {INADDR_ANY, INADDR_LOOPBACK}) {
    for (const bool reuse : {false, true}) {
      const Bound tcp = bind_to(SOCK_STREAM, address, reuse, true);
      const Bound udp = bind_to(SOCK_DGRAM, address, reuse, false);
      EXPECT_EQ(os::try_bind(Protocol::tcp, tcp.port), BindTrial::taken);
      EXPECT_EQ(os::try_bind(Protocol::udp, udp.port), BindTrial::taken);
    }
  }
}

// Where nobody else can take the port in between.
TEST(TryBind, LeavesAFreePortFree) {
  tests::in_own_network([] {
    std::uint16_t port = 0;
    {
      const Bound gone = bind_to(SOCK_STREAM, INADDR_LOOPBACK, false, true);
      port = gone.port;
      EXPECT_EQ(os::try_bind(Protocol::tcp, port), BindTrial::taken);
    }
    EXPECT_EQ(os::try_bind(Protocol::tcp, port), BindTrial::free);
    EXPECT_EQ(os::try_bind(Protocol::tcp, port), BindTrial::free);
  });
}

// A service that starts in the very moment of a trial gets its port.
TEST(TryBind, AServiceThatSharesAndAPortThatIsOnlyBoundDoNotMeet) {
  const Bound trial = bind_to(SOCK_STREAM, INADDR_ANY, true, false);
  Bound service{os::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), trial.port};
  const int on = 1;
  ::setsockopt(service.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(trial.port);
  EXPECT_EQ(::bind(service.fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(::listen(service.fd.get(), 1), 0);
}

TEST(TakenPorts, AListenerThatEveryTableHidesIsFoundByItsPort) {
  const Bound hidden = bind_to(SOCK_STREAM, INADDR_LOOPBACK, true, true);
  os::SocketReader reader("/");
  const PortWays ways{os::try_bind, [&](std::vector<os::Socket>& into) -> Status {
                        TOCSIN_TRY(reader.read(os::SocketQuery::everything, into));
                        std::erase_if(into, [&](const os::Socket& s) {
                          return s.protocol == Protocol::tcp && s.local_port == hidden.port;
                        });
                        return {};
                      }};
  TakenPorts ports(hidden.port);
  const std::vector<std::uint16_t> asked{hidden.port};
  for (int i = 0; i < TakenPorts::kPasses; ++i) ASSERT_TRUE(ports.look({}, asked, true, ways));
  const auto found = ports.found();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], (model::HiddenListener{Protocol::tcp, hidden.port, false, false, true}));
}

// Everything below 1024, as the agent's own capability has it.
class PrivilegedPorts : public testing::Test {
 protected:
  // On a thread of its own, in a network namespace of its own, which go with it. Needs root.
  static void in_own_namespace(const std::function<void()>& story) {
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
      story();
    }).join();
  }
  static void drop_the_capability() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct now[2]{};
    ASSERT_EQ(::syscall(SYS_capget, &header, now), 0);
    now[0].effective &= ~(1U << CAP_NET_BIND_SERVICE);
    ASSERT_EQ(::syscall(SYS_capset, &header, now), 0);
  }
  // Is a listener found that every table hides? Its port is among the first hundred.
  static bool finds(TakenPorts& ports, std::uint16_t hidden) {
    os::SocketReader reader("/");
    const PortWays ways{os::try_bind,
                        [&](std::vector<os::Socket>& into) -> Status {
                          TOCSIN_TRY(reader.read(os::SocketQuery::everything, into));
                          std::erase_if(into, [&](const os::Socket& s) {
                            return s.protocol == Protocol::tcp && s.local_port == hidden;
                          });
                          return {};
                        },
                        os::first_bindable_port()};
    for (int i = 0; i < 4 + TakenPorts::kPasses; ++i) EXPECT_TRUE(ports.look({}, {}, true, ways));
    const model::HiddenListener wanted{Protocol::tcp, hidden, false, false, true};
    return ports.found() == std::vector{wanted};
  }
};

TEST_F(PrivilegedPorts, AreTriedWithTheCapability) {
  in_own_namespace([] {
    const Bound web = bind_to(SOCK_STREAM, INADDR_ANY, true, true, 80);
    EXPECT_EQ(os::first_bindable_port(), 1);
    TakenPorts ports;
    EXPECT_TRUE(finds(ports, 80));
    EXPECT_EQ(ports.tried_from(), 1);
  });
}

TEST_F(PrivilegedPorts, AreSaidNotToBeTriedWithoutIt) {
  in_own_namespace([] {
    const Bound web = bind_to(SOCK_STREAM, INADDR_ANY, true, true, 80);
    drop_the_capability();
    EXPECT_EQ(os::try_bind(Protocol::tcp, 79), BindTrial::not_permitted);
    EXPECT_EQ(os::first_bindable_port(), 1024);
    TakenPorts ports;
    EXPECT_FALSE(finds(ports, 80));
    EXPECT_EQ(ports.tried_from(), 1024);
    CheckRun check(model::CheckKind::sockets);
    EXPECT_EQ(check.facts<model::SocketsFacts>().ports_tried_from, 1024U);
    // A namespace may give them to everybody.
    std::ofstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") << 50 << std::flush;
    EXPECT_EQ(os::first_bindable_port(), 50);
    TakenPorts again;
    EXPECT_TRUE(finds(again, 80));
    EXPECT_EQ(again.tried_from(), 50);
  });
}

// Everything that takes a port on a healthy host is listed: no finding, whatever the port.
TEST(TakenPorts, ThePortsOfAHealthyHostAreAllListed) {
  const Bound bound = bind_to(SOCK_STREAM, INADDR_LOOPBACK, false, false);
  const Bound tcp = bind_to(SOCK_STREAM, INADDR_LOOPBACK, true, true);
  const Bound udp = bind_to(SOCK_DGRAM, INADDR_LOOPBACK, false, false);
  CheckRun check(model::CheckKind::sockets);
  check.definition.ports = std::to_string(bound.port) + "," + std::to_string(tcp.port);
  const auto facts = check.facts<model::SocketsFacts>();
  EXPECT_TRUE(facts.hidden.empty());
  EXPECT_LE(facts.taken_unlisted, 1U);  // The bound one, on a kernel before 6.8.
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(check.facts<model::SocketsFacts>().hidden.empty());
}

}  // namespace
}  // namespace tocsin::agent
