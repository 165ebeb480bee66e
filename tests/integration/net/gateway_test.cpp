// Is this machine itself connected? A cable between two network namespaces, whose far end is the
// gateway and answers no echo request (procedure M-01).
#include "common/net/gateway.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "common/net/ping.hpp"
#include "tests/support/own_network.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::net {
namespace {

constexpr char kGateway[] = "10.98.7.2";
constexpr char kNobody[] = "10.98.7.9";

void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path);
  file << text;
  ASSERT_TRUE(file.flush().good()) << path;
}

// Takes CAP_NET_RAW from the calling thread, and lets it send echo requests as plain accounts do.
void become_plain() {
  write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  ASSERT_EQ(::syscall(SYS_capget, &head, data), 0);
  data[0].effective &= ~(1U << CAP_NET_RAW);
  ASSERT_EQ(::syscall(SYS_capset, &head, data), 0);
}

class GatewayOf : public testing::Test {
 protected:
  // Runs `body` at the near end, with the far one's address as default gateway.
  template <class Body>
  void at_near_end(Body body) {
    tests::in_own_network([&] {
      run(
          fmt::format("ip netns add {0} && ip link add near type veth peer name far netns {0} && "
                      "ip addr add 10.98.7.1/24 dev near && ip link set near up && "
                      "ip addr add 2001:db8:7::1/64 dev near nodad && "
                      "ip -n {0} addr add 10.98.7.2/24 dev far && "
                      "ip -n {0} addr add fe80::7/64 dev far nodad && ip -n {0} link set far up && "
                      "ip netns exec {0} sh -c 'echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all; "
                      "echo 1 >/proc/sys/net/ipv6/icmp/echo_ignore_all'",
                      far_));
      if (!HasFatalFailure()) body();
    });
    static_cast<void>(std::system(("ip netns del " + far_).c_str()));
  }

  void by_ipv4() {
    write(root.path() + "/proc/self/net/route",
          "Iface\tDestination\tGateway\tFlags\nnear\t00000000\t0207620A\t0003\n");
  }
  void by_ipv6() {
    write(root.path() + "/proc/self/net/ipv6_route",
          "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
          "fe800000000000000000000000000007 00000400 00000001 00000000 00000003     near\n");
  }
  void far_end(const std::string& command) { run("ip -n " + far_ + " " + command); }

  model::PingFacts look(const std::string& address, Duration deadline = 3s) {
    model::CheckDefinition check;
    check.check = {model::CheckKind::ping, address};
    check.ping_packets = 1;
    check.deadline = deadline;
    const auto seen = look_by_ping({&check, 1}, root.path(), clock, {});
    EXPECT_TRUE(seen.front().has_value());
    return seen.front().value_or(model::PingFacts{});
  }

  const std::string far_ = fmt::format("tocsin-test-{}-far", ::getpid());
  const tests::TempDir root;
  const time::SystemTime clock;
};

TEST_F(GatewayOf, ThatFiltersEchoIsReachedAllTheSame) {
  at_near_end([&] {
    by_ipv4();
    const auto facts = look(kNobody);
    EXPECT_EQ(facts.received, 0U);
    EXPECT_EQ(facts.gateway, kGateway);
    EXPECT_EQ(facts.gateway_reachable, model::Tristate::yes);
    EXPECT_FALSE(facts.on_link);  // Nobody needs to know.
  });
}

TEST_F(GatewayOf, ThatIsGoneIsNotReached) {
  at_near_end([&] {
    by_ipv4();
    far_end("addr flush dev far");
    EXPECT_EQ(look(kNobody).gateway_reachable, model::Tristate::no);
  });
}

TEST_F(GatewayOf, Ipv6StandsForBothFamilies) {
  at_near_end([&] {
    by_ipv6();
    for (const char* address : {"2001:db8:7::9", kNobody}) {
      const auto facts = look(address);
      EXPECT_EQ(facts.gateway, "fe80::7");
      EXPECT_EQ(facts.gateway_reachable, model::Tristate::yes) << address;
    }
    far_end("addr flush dev far");
    EXPECT_EQ(look(kNobody).gateway_reachable, model::Tristate::no);
  });
}

// As the collector looks. The kernel asks the gateway when it has something to send.
TEST_F(GatewayOf, APlainAccountLearnsItFromTheKernel) {
  at_near_end([&] {
    by_ipv4();
    become_plain();
    EXPECT_EQ(look(kNobody).gateway_reachable, model::Tristate::yes);
    // What it knew is old: it sends, waits whether that is answered, and only then asks.
    write("/proc/sys/net/ipv4/neigh/near/delay_first_probe_time", "1");
    run("ip neigh change 10.98.7.2 dev near nud stale");
    EXPECT_EQ(look(kNobody, 6s).gateway_reachable, model::Tristate::yes);
  });
}

TEST_F(GatewayOf, APlainAccountDoesNotTakeSilenceForAnAbsence) {
  at_near_end([&] {
    by_ipv4();
    become_plain();
    far_end("addr flush dev far");
    run("ip neigh replace 10.98.7.2 lladdr 02:00:00:00:00:01 dev near nud stale");
    EXPECT_EQ(look(kNobody).gateway_reachable, model::Tristate::unknown);
  });
}

TEST_F(GatewayOf, ANetworkWithoutOneIsSeenByItsCable) {
  at_near_end([&] {
    auto facts = look(kNobody);
    EXPECT_EQ(facts.gateway, "");
    EXPECT_EQ(facts.gateway_reachable, model::Tristate::unknown);
    EXPECT_TRUE(facts.on_link);
    EXPECT_FALSE(look("192.0.2.1").on_link);
    far_end("link set far down");
    EXPECT_FALSE(look(kNobody).on_link);
  });
}

}  // namespace
}  // namespace tocsin::net
