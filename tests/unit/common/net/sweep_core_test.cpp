#include "common/net/sweep_core.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::net {
namespace {

IpAddress address_of(std::uint32_t index) {
  IpAddress address;
  address.bytes = {10, 1, static_cast<std::uint8_t>(index >> 8), static_cast<std::uint8_t>(index)};
  return address;
}

std::vector<PingPlan> plans_for(std::size_t count, int packets, int again = 0) {
  std::vector<PingPlan> plans(count);
  for (std::size_t i = 0; i < count; ++i) {
    plans[i].address = address_of(static_cast<std::uint32_t>(i));
    plans[i].packets = packets;
    plans[i].again = again;
  }
  return plans;
}

SweepPace unpaced() {
  SweepPace pace;
  pace.per_second = 0;
  pace.in_flight = 1 << 20;
  return pace;
}

EchoAnswer reply_to(const Probe& probe) {
  return {Refusal::none, probe.sequence, probe.serial, {}};
}

constexpr MonoTime kStart{5'000'000'000'000};

// Sends what is due at `now` and returns it.
std::vector<Probe> send_due(SweepCore& core, MonoTime now) {
  std::vector<Probe> all;
  std::array<Probe, 64> some{};
  while (const std::size_t count = core.take_due(now, some)) {
    for (std::size_t i = 0; i < count; ++i) core.sent(some[i], now);
    all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return all;
}

// procedure M-01
TEST(SweepCore, MeasuresEachTargetByItself) {
  const auto plans = plans_for(2, 2);
  SweepCore core(plans, unpaced(), 1);
  const auto first = send_due(core, kStart);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_TRUE(core.take(reply_to(first[0]), address_of(0), kStart + 2ms));
  EXPECT_TRUE(core.take(reply_to(first[1]), address_of(1), kStart + 5ms));
  const auto second = send_due(core, kStart + 500ms);
  ASSERT_EQ(second.size(), 2U);
  for (const Probe& probe : second) {
    EXPECT_TRUE(core.take(reply_to(probe), address_of(probe.target), kStart + 504ms));
  }
  ASSERT_TRUE(core.done());
  EXPECT_FALSE(core.next().has_value());
  const PingResult& result = core.results()[0];
  EXPECT_EQ(result.sent, 2U);
  EXPECT_EQ(result.received, 2U);
  EXPECT_EQ(result.shortest, Duration(2ms));
  EXPECT_EQ(result.longest, Duration(4ms));
  EXPECT_EQ(result.sum, Duration(6ms));
}

TEST(SweepCore, CountsAReplyOnceAndOnlyFromItsTarget) {
  const auto plans = plans_for(2, 1);
  SweepCore core(plans, unpaced(), 1);
  const auto probes = send_due(core, kStart);
  const EchoAnswer reply = reply_to(probes[0]);
  EXPECT_FALSE(core.take(reply, address_of(1), kStart + 1ms));
  EchoAnswer other = reply;
  ++other.sequence;
  EXPECT_FALSE(core.take(other, address_of(0), kStart + 1ms));
  other = reply;
  other.serial = 2;
  EXPECT_FALSE(core.take(other, address_of(0), kStart + 1ms));
  other.serial.reset();
  EXPECT_FALSE(core.take(other, address_of(0), kStart + 1ms));
  EXPECT_TRUE(core.take(reply, address_of(0), kStart + 1ms));
  EXPECT_FALSE(core.take(reply, address_of(0), kStart + 2ms));
  EXPECT_EQ(core.results()[0].received, 1U);
}

TEST(SweepCore, CountsNothingAfterATargetEnded) {
  const auto plans = plans_for(1, 1);
  SweepCore core(plans, unpaced(), 1);
  const auto probes = send_due(core, kStart);
  core.expire(kStart + 1s);
  ASSERT_TRUE(core.done());
  EXPECT_FALSE(core.take(reply_to(probes[0]), address_of(0), kStart + 1s));
  EXPECT_EQ(core.results()[0].received, 0U);
}

TEST(SweepCore, AsksAgainOnlyThoseThatDidNotAnswer) {
  const auto plans = plans_for(4, 1, 1);
  SweepPace pace = unpaced();
  pace.shortest_wait = 150ms;
  SweepCore core(plans, pace, 1);
  const auto first = send_due(core, kStart);
  EXPECT_TRUE(core.take(reply_to(first[1]), address_of(1), kStart + 1ms));
  EXPECT_TRUE(core.take(reply_to(first[3]), address_of(3), kStart + 1ms));
  EXPECT_EQ(core.timeout(), Duration(150ms));
  core.expire(kStart + 149ms);
  EXPECT_TRUE(send_due(core, kStart + 149ms).empty());
  core.expire(kStart + 150ms);
  const auto second = send_due(core, kStart + 150ms);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[0].target, 0U);
  EXPECT_EQ(second[1].target, 2U);
  // The answer to the first comes late, and still tells that somebody is there.
  EXPECT_TRUE(core.take(reply_to(first[0]), address_of(0), kStart + 200ms));
  EXPECT_EQ(core.results()[0].longest, Duration(200ms));
  core.expire(kStart + 449ms);
  EXPECT_FALSE(core.done());
  core.expire(kStart + 150ms + 2s);
  EXPECT_TRUE(core.done());
  EXPECT_EQ(core.results()[2].sent, 2U);
  EXPECT_EQ(core.results()[2].received, 0U);
  EXPECT_EQ(core.results()[1].sent, 1U);
}

TEST(SweepCore, WaitsLongerWhereAnswersTakeLonger) {
  const auto plans = plans_for(20, 1);
  SweepPace pace = unpaced();
  pace.shortest_wait = 100ms;
  pace.longest_wait = 3s;
  SweepCore core(plans, pace, 1);
  EXPECT_EQ(core.timeout(), Duration(3s));
  const auto probes = send_due(core, kStart);
  for (std::size_t i = 0; i < 19; ++i) {
    core.take(reply_to(probes[i]), address_of(probes[i].target), kStart + 400ms);
  }
  EXPECT_GE(core.timeout(), Duration(400ms));
  EXPECT_LT(core.timeout(), Duration(1200ms));
}

TEST(SweepCore, TellsWhatTheNetworkSaidAndDoesNotAskAgain) {
  const auto plans = plans_for(3, 1, 1);
  SweepCore core(plans, unpaced(), 1);
  const auto probes = send_due(core, kStart);
  // Quoted whole, quoted as little as routers may, and about somebody else.
  EXPECT_TRUE(core.take({Refusal::prohibited, probes[0].sequence, probes[0].serial, address_of(0)},
                        {}, kStart + 1ms));
  EXPECT_TRUE(
      core.take({Refusal::no_route, probes[1].sequence, {}, address_of(1)}, {}, kStart + 1ms));
  EXPECT_FALSE(
      core.take({Refusal::no_route, probes[2].sequence, {}, address_of(1)}, {}, kStart + 1ms));
  EXPECT_EQ(core.results()[0].refusal, Refusal::prohibited);
  EXPECT_EQ(core.results()[1].refusal, Refusal::no_route);
  core.expire(kStart + 1s);
  EXPECT_EQ(send_due(core, kStart + 1s).size(), 1U);
  EXPECT_EQ(core.results()[0].unreachable, 1U);
}

TEST(SweepCore, EndsWhatThisMachineCannotSendTo) {
  const auto plans = plans_for(1, 5, 1);
  SweepCore core(plans, unpaced(), 1);
  std::array<Probe, 4> probes{};
  ASSERT_EQ(core.take_due(kStart, probes), 1U);
  core.not_sent(probes[0], kStart, Refusal::none, 13);
  EXPECT_TRUE(core.done());
  EXPECT_EQ(core.results()[0].sent, 0U);
  EXPECT_EQ(core.results()[0].send_error, 13);
}

TEST(SweepCore, KeepsItsPace) {
  const auto plans = plans_for(100, 1);
  SweepPace pace;
  pace.per_second = 1000;
  pace.in_flight = 1000;
  SweepCore core(plans, pace, 1);
  std::size_t sent = send_due(core, kStart).size();
  EXPECT_LE(sent, 17U);
  const auto next = core.next();
  ASSERT_TRUE(next.has_value());
  EXPECT_GT(*next, kStart);
  EXPECT_LE(*next, kStart + 1ms);
  sent += send_due(core, kStart + 10ms).size();
  EXPECT_LE(sent, 27U);
  EXPECT_GE(sent, 20U);
}

TEST(SweepCore, KeepsNoMoreInFlightThanFitAndLetsTheSilentGo) {
  const auto plans = plans_for(30, 1);
  SweepPace pace = unpaced();
  pace.in_flight = 10;
  SweepCore core(plans, pace, 1);
  const auto first = send_due(core, kStart);
  ASSERT_EQ(first.size(), 10U);
  ASSERT_TRUE(core.next().has_value());
  EXPECT_EQ(*core.next(), kStart + kLate);
  core.take(reply_to(first[4]), address_of(4), kStart + 1ms);
  EXPECT_EQ(send_due(core, kStart + 1ms).size(), 1U);
  EXPECT_EQ(send_due(core, kStart + kLate).size(), 9U);
}

// 70,000 packets: sequences come around, and an answer to the first packet with one is none to the
// second.
TEST(SweepCore, IsNotConfusedBySequencesThatComeAround) {
  const auto plans = plans_for(3500, 20);
  SweepCore core(plans, unpaced(), 1);
  std::map<std::uint16_t, Probe> first;
  MonoTime now = kStart;
  std::size_t again = 0;
  while (!core.done()) {
    for (const Probe& probe : send_due(core, now)) {
      const auto [seen, fresh] = first.try_emplace(probe.sequence, probe);
      if (!fresh) {
        ++again;
        EXPECT_FALSE(core.take(reply_to(seen->second), address_of(seen->second.target), now + 1ms));
        const EchoAnswer old{
            Refusal::no_route, probe.sequence, {}, address_of(seen->second.target)};
        if (seen->second.target != probe.target) {
          EXPECT_FALSE(core.take(old, {}, now));
        }
      }
      EXPECT_TRUE(core.take(reply_to(probe), address_of(probe.target), now + 1ms));
    }
    now = now + 100ms;
    core.expire(now);
  }
  EXPECT_EQ(again, 70'000U - 65'536U);
  for (const PingResult& result : core.results()) EXPECT_EQ(result.received, 20U);
}

// A network that answers, loses, repeats, refuses, delays and lies as chance will have it.
TEST(SweepCoreProperty, EveryTargetEndsOnceAndCountsNoAnswerTwice) {
  EXPECT_TRUE(rc::check("ends with what really came back", [] {
    const auto count = *rc::gen::inRange<std::size_t>(1, 12);
    auto plans = plans_for(count, *rc::gen::inRange(1, 5), *rc::gen::inRange(0, 4));
    for (PingPlan& plan : plans) plan.between = Duration(1ms) * *rc::gen::inRange(1, 300);
    SweepPace pace;
    pace.shortest_wait = Duration(1ms) * *rc::gen::inRange(1, 1000);
    pace.longest_wait = pace.shortest_wait + Duration(1ms) * *rc::gen::inRange(0, 1000);
    pace.per_second = *rc::gen::element(0, 100, 4000);
    pace.in_flight = *rc::gen::inRange<std::size_t>(1, 8);
    SweepCore core(plans, pace, *rc::gen::arbitrary<std::uint64_t>());
    std::vector<std::uint32_t> sent(count), replies(count), refusals(count);
    std::multimap<MonoTime, std::pair<Probe, bool>> coming;
    std::set<std::uint32_t> answered;
    MonoTime now = kStart;
    int steps = 0;
    while (!core.done()) {
      RC_ASSERT(++steps < 20'000);
      core.expire(now);
      for (const Probe& probe : send_due(core, now)) {
        ++sent[probe.target];
        const int answers = *rc::gen::element(0, 1, 1, 2);
        const bool refused = *rc::gen::inRange(0, 4) == 0;
        for (int i = 0; i < answers; ++i) {
          const Duration late = Duration(1ms) * *rc::gen::inRange(0, 1500);
          coming.emplace(now + late, std::pair(probe, refused));
        }
      }
      while (!coming.empty() && coming.begin()->first <= now) {
        const auto [probe, refused] = coming.begin()->second;
        coming.erase(coming.begin());
        const IpAddress target = address_of(probe.target);
        IpAddress stranger = target;
        stranger.bytes[0] = 192;
        RC_ASSERT(!core.take(reply_to(probe), stranger, now));
        EchoAnswer answer = reply_to(probe);
        if (refused) answer = {Refusal::unreachable, probe.sequence, {}, target};
        const bool counted = core.take(answer, target, now);
        if (!counted) continue;
        RC_ASSERT(answered.insert(probe.serial).second);
        ++(refused ? refusals : replies)[probe.target];
      }
      MonoTime next = core.next().value_or(now);
      if (!coming.empty()) next = std::min(next, coming.begin()->first);
      now = std::max(next, now + 1us);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const PingResult& result = core.results()[i];
      RC_ASSERT(result.sent == sent[i] && result.received == replies[i]);
      RC_ASSERT(result.unreachable == refusals[i]);
      const auto planned = static_cast<std::uint32_t>(plans[i].packets);
      RC_ASSERT(result.sent >= planned);
      RC_ASSERT(result.sent <= planned + static_cast<std::uint32_t>(plans[i].again));
      RC_ASSERT(result.sent == planned || result.received == 0 || plans[i].again > 0);
      RC_ASSERT(core.take_due(now, {}) == 0U);
    }
  }));
}

}  // namespace
}  // namespace tocsin::net
