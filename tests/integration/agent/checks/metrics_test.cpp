// This machine's kernel, and a folder that stands for one.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

using model::MetricsFacts;

TEST(MetricsCheck, SeesThisMachineAndMakesCurves) {
  CheckRun check(model::CheckKind::metrics);
  const auto facts = check.facts<MetricsFacts>();
  EXPECT_GT(facts.processors, 0U);
  EXPECT_GT(facts.memory_available_permille, 0U);
  EXPECT_LE(facts.memory_available_permille, 1000U);
  EXPECT_NE(facts.clock_synchronized, model::Tristate::unknown);
  EXPECT_FALSE(facts.file_systems.empty());
  for (const auto& one : facts.file_systems) EXPECT_LE(one.used_permille, 1000U) << one.mount;
  check.run();
  std::set<std::string> names;
  for (const auto& sample : check.context.samples) names.insert(sample.series);
  EXPECT_THAT(names, testing::IsSupersetOf({"cpu.busy", "load.1m", "memory.used"}));
}

TEST(MetricsCheck, WithoutAKernelItSaysSo) {
  const tests::TempDir dir;
  CheckRun check(model::CheckKind::metrics, {}, dir.path());
  EXPECT_EQ(check.run().outcome, model::Outcome::failed);
}

// What cannot be looked at is counted, the rest is seen.
TEST(MetricsCheck, AMountThatIsGoneIsCounted) {
  const tests::TempDir dir;
  std::filesystem::create_directories(dir.file("proc/1"));
  std::filesystem::create_directories(dir.file("data"));
  std::ofstream(dir.file("proc/stat")) << "cpu 1 1 1 1\n";
  std::ofstream(dir.file("proc/1/mountinfo"))
      << "1 0 8:1 / /data rw - ext4 /dev/a rw\n2 0 8:2 / /gone rw - ext4 /dev/b rw\n";
  CheckRun check(model::CheckKind::metrics, {}, dir.path());
  const auto facts = check.facts<MetricsFacts>();
  ASSERT_EQ(facts.file_systems.size(), 1U);
  EXPECT_EQ(facts.file_systems[0].mount, "/data");
  EXPECT_EQ(facts.file_systems_unseen, 1U);
  EXPECT_EQ(facts.memory_known, model::Tristate::no);
}

// The groups right below the root count what is below them: a service's own group may be gone.
TEST(MetricsCheck, KillsByALimitOfAGroupAreToldApart) {
  const tests::TempDir dir;
  std::filesystem::create_directories(dir.file("proc"));
  for (const char* group : {"system.slice/web.service", "user.slice"}) {
    std::filesystem::create_directories(dir.file("sys/fs/cgroup/" + std::string(group)));
  }
  const auto kernel = [&](int kills, int system, int user) {
    std::ofstream(dir.file("proc/stat")) << "cpu 1 1 1 1\n";
    std::ofstream(dir.file("proc/vmstat")) << "oom_kill " << kills << "\n";
    std::ofstream(dir.file("sys/fs/cgroup/system.slice/memory.events"))
        << "low 0\nhigh 0\nmax 9\noom " << system << "\noom_kill " << kills << "\n";
    std::ofstream(dir.file("sys/fs/cgroup/user.slice/memory.events")) << "oom " << user << "\n";
  };
  CheckRun check(model::CheckKind::metrics, {}, dir.path());
  kernel(1, 1, 0);
  EXPECT_EQ(check.facts<MetricsFacts>().kills_apart, model::Tristate::yes);
  kernel(5, 2, 1);
  const auto facts = check.facts<MetricsFacts>();
  EXPECT_EQ(facts.recent_limit_kills, 2U);
  EXPECT_EQ(facts.recent_oom_kills, 2U);
  std::filesystem::remove_all(dir.file("sys"));
  EXPECT_EQ(check.facts<MetricsFacts>().kills_apart, model::Tristate::no);
}

}  // namespace
}  // namespace tocsin::agent
