#include "agent/checks/processes_facts.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

using model::Tristate;

SeenProcess process(std::uint32_t pid, std::string name, std::string link) {
  SeenProcess seen;
  seen.stat.pid = pid;
  seen.stat.name = std::move(name);
  seen.link = std::move(link);
  return seen;
}

model::ProcessGroup only(const SeenProcess& seen) {
  const auto facts = processes_facts({&seen, 1});
  EXPECT_EQ(facts.groups.size(), 1U);
  return facts.groups.at(0);
}

// procedure M-09
TEST(ProcessesFacts, GroupTheSameProgramOfTheSameUser) {
  SeenProcess other = process(9, "nginx", "/usr/sbin/nginx");
  other.uid = 33;
  const std::vector<SeenProcess> seen{process(8, "nginx", "/usr/sbin/nginx"),
                                      process(7, "nginx", "/usr/sbin/nginx"), other};
  const auto facts = processes_facts(seen);
  ASSERT_EQ(facts.groups.size(), 2U);
  EXPECT_EQ(facts.groups[0].count, 2U);
  EXPECT_EQ(facts.groups[0].example_pid, 7U);
  EXPECT_EQ(facts.processes, 3U);
}

TEST(ProcessesFacts, NameKernelThreadsWithoutTheirNumbers) {
  std::vector<SeenProcess> seen{process(3, "kworker/0:1-events", ""),
                                process(4, "kworker/u8:2+flush", "")};
  for (SeenProcess& one : seen) one.stat.flags = 0x00200000;
  const auto facts = processes_facts(seen);
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].name, "kworker");
  EXPECT_TRUE(facts.groups[0].kernel_thread);
  EXPECT_FALSE(facts.groups[0].imitates_kernel_thread);
}

TEST(ProcessesFacts, TellWhoImitatesAKernelThread) {
  SeenProcess seen = process(3, "x", "/tmp/x");
  EXPECT_FALSE(only(seen).imitates_kernel_thread);
  seen.command = "[kworker/0:1]";
  EXPECT_TRUE(only(seen).imitates_kernel_thread);
  EXPECT_TRUE(only(process(3, "kworker/0:1", "/tmp/x")).imitates_kernel_thread);
  EXPECT_TRUE(only(process(3, "kthreadd", "/tmp/x")).imitates_kernel_thread);
  EXPECT_FALSE(only(process(3, "kthreadd-monitor", "/usr/bin/x")).imitates_kernel_thread);
}

TEST(ProcessesFacts, TellProgramsThatHaveNoFile) {
  const auto deleted = only(process(1, "x", "/tmp/x (deleted)"));
  EXPECT_EQ(deleted.executable, "/tmp/x");
  EXPECT_EQ(deleted.executable_deleted, Tristate::yes);
  EXPECT_EQ(deleted.memory_only, Tristate::no);
  const auto memory = only(process(1, "x", "/memfd:payload (deleted)"));
  EXPECT_EQ(memory.memory_only, Tristate::yes);
  const auto unseen = only(process(1, "x", ""));
  EXPECT_EQ(unseen.executable_deleted, Tristate::unknown);
  EXPECT_EQ(unseen.memory_only, Tristate::unknown);
}

TEST(ProcessesFacts, KeepWhatIsDangerousWhenThereAreTooMany) {
  std::vector<SeenProcess> seen;
  for (std::uint32_t i = 1; i <= limits::kProcessGroups + 4; ++i) {
    seen.push_back(process(i, "p" + std::to_string(i), "/usr/bin/p"));
  }
  seen.push_back(process(99999, "zzz", "/tmp/zzz (deleted)"));
  const auto facts = processes_facts(seen);
  EXPECT_EQ(facts.groups.size(), limits::kProcessGroups);
  EXPECT_EQ(facts.groups_over_limit, 5U);
  EXPECT_TRUE(std::any_of(facts.groups.begin(), facts.groups.end(),
                          [](const auto& group) { return group.name == "zzz"; }));
}

TEST(ProcessesFacts, CountEveryProcessWhateverTheOrder) {
  EXPECT_TRUE(rc::check("counts add up in any order", [] {
    std::vector<SeenProcess> seen;
    const auto count = *rc::gen::inRange(0U, 30U);
    for (std::uint32_t i = 1; i <= count; ++i) {
      seen.push_back(process(i, *rc::gen::element<std::string>("a", "b", "[c]"),
                             *rc::gen::element<std::string>("/a", "/b (deleted)", "")));
    }
    const auto facts = processes_facts(seen);
    std::uint32_t sum = 0;
    for (const auto& group : facts.groups) sum += group.count;
    RC_ASSERT(sum == count);
    std::reverse(seen.begin(), seen.end());
    RC_ASSERT(processes_facts(seen) == facts);
  }));
}

}  // namespace
}  // namespace tocsin::agent
