#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "agent/os/files.hpp"
#include "common/net/sweep.hpp"
#include "common/net/tcp_ping.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/own_network.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

// procedure M-01
TEST(PingCheck, ReachesThisMachineByBothFamilies) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    CheckRun check(model::CheckKind::ping, address);
    check.definition.ping_packets = 3;
    check.definition.deadline = 3s;
    const auto seen = check.run();
    ASSERT_EQ(seen.outcome, model::Outcome::seen)
        << (seen.detail.parameters.empty() ? "" : seen.detail.parameters[0].value);
    const auto facts = std::get<model::PingFacts>(seen.facts);
    EXPECT_EQ(facts.address, address);
    EXPECT_EQ(facts.sent, 3U);
    EXPECT_EQ(facts.received, 3U);
    EXPECT_LE(facts.rtt_min_us, facts.rtt_avg_us);
    EXPECT_LE(facts.rtt_avg_us, facts.rtt_max_us);
    EXPECT_NE(facts.method, model::PingMethod::tcp);
  }
}

TEST(PingCheck, TakesAddressesOnly) {
  CheckRun check(model::CheckKind::ping, "localhost");
  EXPECT_EQ(check.run().outcome, model::Outcome::failed);
}

// Runs `body` where nothing answers an echo.
template <class Body>
void in_silent_network(Body body) {
  tests::in_own_network([&] {
    std::ofstream("/proc/sys/net/ipv4/icmp_echo_ignore_all") << "1";
    body();
  });
}

TEST(PingCheck, SaysWhenNothingAnswersAndKeepsItsDeadline) {
  in_silent_network([] {
    CheckRun check(model::CheckKind::ping, "127.0.0.1");
    check.definition.ping_packets = 2;
    check.definition.deadline = 2s;
    const auto seen = check.run();
    EXPECT_LT(seen.took, Duration(20s));  // it ends; how soon is the machine's
    const auto facts = std::get<model::PingFacts>(seen.facts);
    EXPECT_EQ(facts.sent, 2U);
    EXPECT_EQ(facts.received, 0U);
  });
}

// Run out of time it would have seen nothing, and could not say that it is the gateway that is
// gone. A machine that was busy for a moment is not to blame three times.
TEST(PingCheck, KeepsItsDeadlineWhereTheGatewayDoesNotAnswerEither) {
  in_silent_network([] {
    const tests::TempDir root;
    std::filesystem::create_directories(root.path() + "/proc/self/net");
    std::ofstream(root.path() + "/proc/self/net/route") << "Iface\tDestination\tGateway\tFlags\n"
                                                        << "lo\t00000000\t0200007F\t0003\n";
    CheckRun check(model::CheckKind::ping, "127.0.0.1", root.path());
    check.definition.ping_packets = 2;
    check.definition.deadline = 2s;
    bool in_time = false;
    for (int i = 0; i < 3 && !in_time; ++i) {
      const auto seen = check.run();
      in_time = seen.took < check.definition.deadline;
      EXPECT_EQ(std::get<model::PingFacts>(seen.facts).gateway_reachable, model::Tristate::no);
    }
    EXPECT_TRUE(in_time);
  });
}

TEST(PingCheck, AnAddressWithoutARouteIsUnreachable) {
  in_silent_network([] {
    CheckRun check(model::CheckKind::ping, "192.0.2.1");
    check.definition.ping_packets = 2;
    check.definition.deadline = 2s;
    const auto facts = check.facts<model::PingFacts>();
    EXPECT_EQ(facts.received, 0U);
    EXPECT_EQ(facts.unreachable, 2U);
  });
}

// Where echo requests are filtered a known port still tells that somebody is there.
TEST(PingCheck, FallsBackToTheKnownPort) {
  in_silent_network([] {
    CheckRun check(model::CheckKind::ping, "127.0.0.1");
    check.definition.ping_packets = 2;
    check.definition.ping_tcp_port = 9;
    check.definition.deadline = 6s;
    const auto facts = check.facts<model::PingFacts>();
    EXPECT_EQ(facts.method, model::PingMethod::tcp);
    EXPECT_EQ(facts.received, 2U);
  });
}

TEST(Ping, ARefusedConnectionIsAnAnswerToo) {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const time::SystemTime clock;
  net::PingPlan plan;
  plan.address = *net::parse_ip("127.0.0.1");
  plan.packets = 2;
  plan.tcp_port = ntohs(address.sin_port);  // Bound and not listening.
  const auto results = net::ping_tcp({&plan, 1}, clock.steady() + 2s, clock, {});
  ASSERT_TRUE(results.has_value());
  EXPECT_EQ(results->front().method, model::PingMethod::tcp);
  EXPECT_EQ(results->front().received, 2U);
}

TEST(Ping, EndsWhenItIsStopped) {
  const time::SystemTime clock;
  std::stop_source stop;
  stop.request_stop();
  net::PingPlan plan;
  plan.address = *net::parse_ip("127.0.0.1");
  const auto result = net::sweep({&plan, 1}, {}, clock.steady() + 60s, clock, stop.get_token());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace tocsin::agent
