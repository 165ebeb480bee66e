#include "common/net/sweep.hpp"

#include <thread>

#include <gtest/gtest.h>

#include "common/net/ping.hpp"
#include "tests/support/tun_hosts.hpp"

namespace tocsin::net {
namespace {

using tests::HostKind;
using tests::TunHosts;

// Each test in a network of its own, with datagram sockets or, where those are not allowed, raw
// ones.
class SweepOf : public testing::TestWithParam<bool> {
 protected:
  template <class Body>
  void in_network(Body body) {
    std::jthread([&] {
      const TunHosts hosts(GetParam());
      body();
    }).join();
  }

  PingPlan plan(const std::string& address, int packets, int again = 0) const {
    PingPlan plan;
    plan.address = *parse_ip(address);
    plan.packets = packets;
    plan.again = again;
    plan.between = 50ms;
    return plan;
  }

  void add(HostKind kind, int count, int packets, int again = 0) {
    for (int i = 1; i <= count; ++i)
      plans.push_back(plan(TunHosts::address(kind, i), packets, again));
  }

  // What `took` is compared with only tells a hang: how fast a sweep is, is a benchmark's.
  std::vector<PingResult> run(const SweepPace& pace = {}, Duration limit = 60s) {
    const MonoTime start = clock.steady();
    auto results = sweep(plans, pace, start + limit, clock, {});
    took = clock.steady() - start;
    EXPECT_TRUE(results.has_value());
    return results.value_or(std::vector<PingResult>(plans.size()));
  }

  time::SystemTime clock;
  std::vector<PingPlan> plans;
  Duration took{};
};

INSTANTIATE_TEST_SUITE_P(BothSockets, SweepOf, testing::Bool(),
                         [](const auto& test) { return test.param ? "datagram" : "raw"; });

// procedure M-01
TEST_P(SweepOf, HostsThatAreThereAndHostsThatAreNot) {
  in_network([&] {
    constexpr int kEach = 60;
    for (const HostKind kind : {HostKind::live, HostKind::dead, HostKind::delayed,
                                HostKind::prohibited, HostKind::no_route}) {
      add(kind, kEach, 3);
    }
    SweepPace pace;
    pace.shortest_wait = pace.longest_wait = 2s;  // a busy machine's answers are late, not lost
    const auto results = run(pace);
    EXPECT_LT(took, 50s);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const PingResult& one = results[i];
      const auto kind = static_cast<HostKind>(plans[i].address.bytes[2]);
      SCOPED_TRACE(to_string(plans[i].address));
      EXPECT_EQ(one.method,
                GetParam() ? model::PingMethod::icmp_datagram : model::PingMethod::icmp_raw);
      EXPECT_EQ(one.sent, 3U);
      const bool there = kind == HostKind::live || kind == HostKind::delayed;
      EXPECT_EQ(one.received, there ? 3U : 0U);
      const bool refused = kind == HostKind::prohibited || kind == HostKind::no_route;
      EXPECT_EQ(one.unreachable, refused ? 3U : 0U);
      if (kind == HostKind::prohibited) {
        EXPECT_EQ(one.refusal, Refusal::prohibited);
      }
      if (kind == HostKind::no_route) {
        EXPECT_EQ(one.refusal, Refusal::no_route);
      }
      if (kind == HostKind::delayed) {
        EXPECT_GE(one.shortest, Duration(119ms));
        EXPECT_LT(one.shortest, Duration(5s));
      }
      if (kind == HostKind::live) {
        // When each of a batch left is reckoned, so that an answer may seem to take no time at all.
        EXPECT_LE(one.shortest, one.longest);
        EXPECT_LT(one.longest, took);
      }
    }
  });
}

TEST_P(SweepOf, LiarsWhoDoNotCount) {
  in_network([&] {
    for (const HostKind kind :
         {HostKind::twice, HostKind::cut, HostKind::stranger, HostKind::elsewhere}) {
      add(kind, 20, 2);
    }
    add(HostKind::live, 1, 2);
    const auto results = run();
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto kind = static_cast<HostKind>(plans[i].address.bytes[2]);
      const bool counts = kind == HostKind::twice || kind == HostKind::live;
      EXPECT_EQ(results[i].received, counts ? 2U : 0U) << to_string(plans[i].address);
      EXPECT_EQ(results[i].sent, 2U);
    }
  });
}

// A second question goes only to those who did not answer, as soon as the others' answers tell how
// long one takes.
TEST_P(SweepOf, TheSilentAskedAgain) {
  in_network([&] {
    add(HostKind::live, 100, 1, 1);
    add(HostKind::flaky, 100, 1, 1);
    add(HostKind::dead, 50, 1, 1);
    SweepPace pace;
    pace.shortest_wait = 400ms;  // more than a busy machine makes of a millisecond
    pace.longest_wait = 60s;     // as long as nothing was learned
    const auto results = run(pace, 120s);
    EXPECT_LT(took, 60s);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto kind = static_cast<HostKind>(plans[i].address.bytes[2]);
      EXPECT_EQ(results[i].sent, kind == HostKind::live ? 1U : 2U) << to_string(plans[i].address);
      EXPECT_EQ(results[i].received, kind == HostKind::dead ? 0U : 1U);
    }
  });
}

TEST_P(SweepOf, FourThousandHostsAsFastAsCanBe) {
  in_network([&] {
    for (int i = 0; i < 4096; ++i) {
      PingPlan one = plan(TunHosts::address(HostKind::live, 1), 1, 3);
      one.address.bytes[3] = static_cast<std::uint8_t>(i);
      plans.push_back(one);
    }
    SweepPace pace;
    pace.per_second = 0;
    const auto results = run(pace);
    for (const PingResult& one : results) EXPECT_EQ(one.received, 1U);
  });
}

TEST_P(SweepOf, BothFamiliesAndAddressesWithoutARoute) {
  in_network([&] {
    plans = {plan("::1", 2), plan("127.0.0.1", 2), plan("192.0.2.1", 2), plan("2001:db8::1", 2)};
    const auto results = run();
    EXPECT_EQ(results[0].received, 2U);
    EXPECT_EQ(results[1].received, 2U);
    EXPECT_EQ(results[2].unreachable, 2U);
    EXPECT_EQ(results[2].refusal, Refusal::no_route);
    EXPECT_EQ(results[3].unreachable, 2U);
  });
}

TEST_P(SweepOf, NothingLongerThanItsDeadline) {
  in_network([&] {
    add(HostKind::dead, 100, 5);  // fifty seconds of them
    SweepPace pace;
    pace.per_second = 10;
    const auto results = run(pace, 500ms);
    EXPECT_LT(took, 30s);
    EXPECT_GT(results.front().sent, 0U);
    EXPECT_EQ(results.back().sent, 0U);
  });
}

// Two hundred hosts without an agent, a quarter of them silent, in about the time of one.
TEST_P(SweepOf, ManyChecksInOneLook) {
  in_network([&] {
    std::vector<model::CheckDefinition> checks(200);
    for (std::size_t i = 0; i < checks.size(); ++i) {
      const HostKind kind = i % 4 == 0 ? HostKind::dead : HostKind::live;
      checks[i].check = {model::CheckKind::ping, TunHosts::address(kind, static_cast<int>(i))};
    }
    checks[7].check.target = "localhost";
    const MonoTime start = clock.steady();
    const auto seen = look_by_ping(checks, "/", clock, {});
    EXPECT_LT(clock.steady() - start, 60s);  // one after the other: over four minutes
    ASSERT_EQ(seen.size(), checks.size());
    for (std::size_t i = 0; i < checks.size(); ++i) {
      SCOPED_TRACE(checks[i].check.target);
      ASSERT_EQ(seen[i].has_value(), i != 7);
      if (i == 7) continue;
      EXPECT_EQ(seen[i]->address, checks[i].check.target);
      EXPECT_EQ(seen[i]->sent, 5U);
      EXPECT_EQ(seen[i]->received, i % 4 == 0 ? 0U : 5U);
    }
    EXPECT_EQ(seen[7].error().code, ErrorCode::invalid_argument);
  });
}

// One packet to each of many: who does not answer is asked again, and for longer where ways are
// slow.
TEST_P(SweepOf, ARollCallOfMany) {
  in_network([&] {
    const auto looked_at = [&](std::initializer_list<HostKind> kinds) {
      std::vector<model::CheckDefinition> checks;
      for (const HostKind kind : kinds) {
        for (int i = 1; i <= 4; ++i) {
          model::CheckDefinition& check = checks.emplace_back();
          check.check = {model::CheckKind::ping, TunHosts::address(kind, i)};
          check.ping_packets = 1;
          check.deadline = 6s;
        }
      }
      std::vector<model::PingFacts> all;
      for (const auto& seen : look_by_ping(checks, "/", clock, {})) {
        EXPECT_TRUE(seen.has_value());
        all.push_back(seen.value_or(model::PingFacts{}));
      }
      return all;
    };
    auto all = looked_at({HostKind::flaky, HostKind::dead, HostKind::live});
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(all[i].received, 1U) << "asked again: one lost packet is no silence";
      EXPECT_GE(all[i + 4].sent, 2U);
      EXPECT_EQ(all[i + 4].received, 0U);
      EXPECT_EQ(all[i + 8].received, 1U);
    }
    // 120 ms: the silent are looked at a third time, for a second.
    all = looked_at({HostKind::delayed, HostKind::dead});
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(all[i].received, 1U);
      EXPECT_EQ(all[i + 4].sent, 3U);
    }
    all = looked_at({HostKind::dead, HostKind::dead});
    for (const model::PingFacts& one : all) EXPECT_EQ(one.sent, 3U) << "nothing was learned";
  });
}

}  // namespace
}  // namespace tocsin::net
