// What kernels print, captured; and what no kernel prints.
#include "agent/checks/metrics_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using series::Sample;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kStat =
    "cpu  100 5 50 1000 200 3 7 10 40 0\ncpu0 50 2 25 500 100 1 3 5 20 0\n"
    "cpu1 50 3 25 500 100 2 4 5 20 0\nintr 1 2 3\nctxt 7\n";

TEST(MetricsFacts, CpuTimeIsBusyOrNot) {
  const auto times = parse_cpu_times(kStat);
  ASSERT_TRUE(times);
  EXPECT_EQ(times->busy, 175U) << "not idle, not waiting for a disk; guests are in user already";
  EXPECT_EQ(times->total, 1375U);
  EXPECT_EQ(times->processors, 2U);
  EXPECT_EQ(busy_permille({100, 1000, 2}, {150, 1200, 2}), 250U);
  EXPECT_EQ(busy_permille({150, 1200, 2}, {100, 1000, 2}), 0U) << "time goes on";
  EXPECT_FALSE(parse_cpu_times("cpu 1 2\n"));
  EXPECT_FALSE(parse_cpu_times("intr 1\n"));
}

TEST(MetricsFacts, MemoryIsWhatThePageCacheCanGiveBackToo) {
  const auto memory = parse_memory(
      "MemTotal:        4000000 kB\nMemFree:          100000 kB\nMemAvailable:    1000000 kB\n"
      "SwapTotal:       2000000 kB\nSwapFree:        1500000 kB\n");
  EXPECT_EQ(memory, (MemoryUse{250, 250}));
  EXPECT_EQ(parse_memory("MemTotal: 10 kB\nMemAvailable: 5 kB\n"), (MemoryUse{500, 0}));
  EXPECT_FALSE(parse_memory("MemTotal: 0 kB\nMemAvailable: 0 kB\n"));
  EXPECT_FALSE(parse_memory("MemTotal: 10 kB\n"));
}

TEST(MetricsFacts, LoadAndPressureAreThousandths) {
  EXPECT_EQ(parse_load("0.52 0.58 0.59 3/602 12345\n"), 520U);
  EXPECT_EQ(parse_load("12.05 1 1 1/1 1"), 12050U);
  EXPECT_FALSE(parse_load("x"));
  EXPECT_EQ(parse_pressure("some avg10=0.00 avg60=12.34 avg300=1.00 total=5\n"
                           "full avg10=0.00 avg60=99.00 avg300=0.00 total=0\n"),
            123U);
  EXPECT_FALSE(parse_pressure(""));
  EXPECT_EQ(parse_vmstat("nr_free_pages 7\noom_kill 3\n", "oom_kill"), 3U);
}

TEST(MetricsFacts, InterfacesAreCountedWithoutTheLoopback) {
  const auto interfaces = parse_interfaces(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
      "    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n"
      "  eth0: 1000 10 1 2 0 0 0 3 2000 20 4 8 0 0 0 0\n"
      "ens3:1 2 3\n");
  EXPECT_THAT(interfaces, ElementsAre(InterfaceCounters{"eth0", 1000, 2000, 15}));
}

TEST(MetricsFacts, OnlyLocalFileSystemsAreLookedAtEachOnce) {
  const auto found = parse_mounts(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
      "23 22 0:5 / /proc rw - proc proc rw\n"
      "24 22 0:6 / /dev rw - devtmpfs udev rw\n"
      "25 22 0:7 / /dev/shm rw - tmpfs tmpfs rw\n"
      "26 22 8:1 /srv/x /mnt/bind rw - ext4 /dev/sda1 rw\n"
      "27 22 8:2 / /var/my\\040data rw,noatime - xfs /dev/sda2 rw\n"
      "28 22 0:40 / /net rw - nfs4 server:/x rw\n"
      "29 22 8:3 / /broken rw,relatime - ext4 /dev/sda3 ro,errors=remount-ro\n"
      "30 22 8:4 / /archive ro,relatime - ext4 /dev/sda4 ro\n"
      "31 22 0:9 / /run/user/1000 rw - tmpfs tmpfs rw\nnonsense\n");
  EXPECT_THAT(found.mounts,
              ElementsAre(LocalMount{"/", false}, LocalMount{"/archive", false},
                          LocalMount{"/broken", true}, LocalMount{"/var/my data", false}));
}

TEST(MetricsFacts, UseIsCountedAsDfDoes) {
  EXPECT_EQ(used_permille(1000, 300, 250), 736U) << "700 of the 950 that users may have";
  EXPECT_EQ(used_permille(1000, 50, 0), 1000U) << "what is left is root's";
  EXPECT_EQ(used_permille(1000, 1000, 1000), 0U);
  EXPECT_EQ(used_permille(0, 0, 0), 0U) << "a file system that counts no inodes";
  EXPECT_EQ(used_permille(UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 2), 500U);
}

MetricsLook look_at(int seconds, std::uint32_t used = 500) {
  MetricsLook look;
  look.at = Instant{} + std::chrono::seconds(1'000'000 + seconds);
  look.steady = MonoTime{} + std::chrono::seconds(1000 + seconds);
  look.facts.memory_available_permille = 400;
  look.facts.file_systems = {{"/", used, 100, false}};
  look.cpu = {static_cast<std::uint64_t>(seconds) * 10, static_cast<std::uint64_t>(seconds) * 100,
              2};
  look.interfaces = {{"eth0", static_cast<std::uint64_t>(seconds) * 1000, 0, 0}};
  return look;
}

TEST(MetricsFacts, AShareIsToldAgainWhereItMoved) {
  MetricsPast past;
  EXPECT_EQ(tell(look_at(0, 945), past).file_systems[0].used_permille, 945U);
  EXPECT_EQ(tell(look_at(30, 954), past).file_systems[0].used_permille, 945U);
  EXPECT_EQ(tell(look_at(60, 955), past).file_systems[0].used_permille, 955U);
  EXPECT_EQ(tell(look_at(90, 946), past).file_systems[0].used_permille, 955U);
  EXPECT_EQ(tell(look_at(120, 1000), past).file_systems[0].used_permille, 1000U);
  EXPECT_EQ(tell(look_at(150, 999), past).file_systems[0].used_permille, 1000U);
}

TEST(MetricsFacts, AKillForLackOfMemoryIsRememberedTenMinutes) {
  MetricsPast past;
  MetricsLook first = look_at(0);
  first.facts.oom_kills = 7;
  EXPECT_EQ(tell(first, past).recent_oom_kills, 0U) << "of before this agent";
  MetricsLook second = look_at(30);
  second.facts.oom_kills = 9;
  EXPECT_EQ(tell(second, past).recent_oom_kills, 2U);
  MetricsLook third = look_at(629);
  third.facts.oom_kills = 9;
  EXPECT_EQ(tell(third, past).recent_oom_kills, 2U);
  third = look_at(631);
  third.facts.oom_kills = 9;
  EXPECT_EQ(tell(third, past).recent_oom_kills, 0U);
}

// The kernel's count has both; a limit that was met has its kill at once, or a look later.
TEST(MetricsFacts, KillsByALimitOfAGroupAreToldApart) {
  const auto look = [](int seconds, std::uint64_t kills, std::optional<std::uint64_t> met) {
    MetricsLook one = look_at(seconds);
    one.facts.oom_kills = kills;
    one.met_limits = met;
    return one;
  };
  using Kills = std::pair<std::uint32_t, std::uint32_t>;  // of the host, by limits
  const auto told = [](const MetricsLook& one, MetricsPast& past) {
    const auto facts = tell(one, past);
    return Kills{facts.recent_oom_kills, facts.recent_limit_kills};
  };
  MetricsPast past;
  EXPECT_EQ(told(look(0, 7, 4), past), (Kills{0, 0}));
  EXPECT_EQ(told(look(30, 8, 5), past), (Kills{0, 1}));
  EXPECT_EQ(told(look(60, 9, 5), past), (Kills{1, 1})) << "no limit was met";
  EXPECT_EQ(told(look(90, 9, 6), past), (Kills{1, 1})) << "met, and the kill is not counted yet";
  EXPECT_EQ(told(look(120, 10, 6), past), (Kills{1, 2}));
  EXPECT_EQ(told(look(150, 10, 9), past), (Kills{1, 2}));
  EXPECT_EQ(told(look(180, 10, 9), past), (Kills{1, 2}));
  EXPECT_EQ(told(look(210, 11, 9), past), (Kills{2, 2}))
      << "what was met long ago explains nothing";
  EXPECT_EQ(told(look(240, 12, 3), past), (Kills{3, 2})) << "groups are gone: not known";
  EXPECT_EQ(told(look(270, 13, std::nullopt), past), (Kills{4, 2}));
}

// With memory.oom.group one limit ends all processes of its group.
TEST(MetricsFacts, AGroupThatMetItsLimitIsEndedAsAWhole) {
  MetricsPast past;
  using Kills = std::pair<std::uint32_t, std::uint32_t>;  // of the host, by limits
  const auto told = [&](int seconds, std::uint64_t kills, std::uint64_t met, std::uint64_t groups) {
    MetricsLook one = look_at(seconds);
    one.facts.oom_kills = kills;
    one.met_limits = met;
    one.group_kills = groups;
    const auto facts = tell(one, past);
    return Kills{facts.recent_oom_kills, facts.recent_limit_kills};
  };
  EXPECT_EQ(told(0, 0, 0, 0), (Kills{0, 0}));
  EXPECT_EQ(told(30, 4, 1, 1), (Kills{0, 4}));
  EXPECT_EQ(told(60, 4, 2, 1), (Kills{0, 4})) << "met, and nothing is ended yet";
  EXPECT_EQ(told(90, 7, 2, 2), (Kills{0, 7}));
  EXPECT_EQ(told(120, 7, 3, 3), (Kills{0, 7})) << "the kills are not counted yet";
  EXPECT_EQ(told(150, 9, 3, 3), (Kills{0, 9}));
  EXPECT_EQ(told(180, 11, 3, 4), (Kills{2, 9})) << "the host had no memory for that group";
  EXPECT_EQ(told(210, 11, 8, 4), (Kills{2, 9})) << "limits that were met without a kill";
  EXPECT_EQ(told(240, 14, 8, 4), (Kills{4, 10})) << "explain one that comes late, not three";
}

TEST(MetricsFacts, MemoryThatIsNotToldHasNoCurve) {
  MetricsLook look = look_at(10);
  look.facts.memory_known = model::Tristate::no;
  for (const Sample& sample : samples_of(look, std::nullopt)) {
    EXPECT_FALSE(sample.series.starts_with("memory.used") || sample.series.starts_with("swap"));
  }
}

TEST(MetricsFacts, CurvesAreExactAndRatesNeedALookBefore) {
  const auto first = samples_of(look_at(10, 945), std::nullopt);
  EXPECT_THAT(first, Contains(Sample{"disk./.used", look_at(10).at, 94.5}));
  EXPECT_THAT(first, Contains(Sample{"memory.used", look_at(10).at, 60}));
  for (const Sample& sample : first) {
    EXPECT_FALSE(sample.series.starts_with("cpu") || sample.series.starts_with("net"));
  }
  const auto second = samples_of(look_at(20), look_at(10));
  EXPECT_THAT(second, Contains(Sample{"cpu.busy", look_at(20).at, 10}));
  EXPECT_THAT(second, Contains(Sample{"net.eth0.in", look_at(20).at, 1000}));
  // An interface of the same name that counts from the beginning again.
  for (const Sample& sample : samples_of(look_at(20), look_at(30))) {
    EXPECT_FALSE(sample.series.starts_with("net"));
  }
}

TEST(MetricsFacts, PerformanceDataOfAPluginAreCurves) {
  model::PluginFacts facts;
  facts.name = "ups";
  facts.performance = {
      {"load", "97.5", "%"}, {"gone", "U", ""}, {"t", "+3", ""}, {"x", "1..2", ""}};
  EXPECT_THAT(samples_of(facts, Instant{7}),
              ElementsAre(Sample{"plugin.ups.load", Instant{7}, 97.5},
                          Sample{"plugin.ups.t", Instant{7}, 3}));
  EXPECT_THAT(samples_of(model::PluginFacts{}, Instant{7}), IsEmpty());
}

// Told values follow the true ones within a step, and a value that trembles within it is told once.
RC_GTEST_PROP(MetricsFactsProperty, WhatIsToldStaysWithinAStep, ()) {
  std::optional<std::uint32_t> told;
  const auto values =
      *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, 1001));
  for (const std::uint32_t value : values) {
    const std::uint32_t next = settle(told, value, 10, 1000);
    RC_ASSERT((next > value ? next - value : value - next) < 10U);
    RC_ASSERT(value != 1000U || next == 1000U);
    if (told && next != *told) {
      RC_ASSERT(value == 0U || value == 1000U ||
                (value > *told ? value - *told : *told - value) >= 10U);
    }
    told = next;
  }
}

}  // namespace
}  // namespace tocsin::agent
