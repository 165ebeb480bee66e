#include <algorithm>
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/agent/checks/check_run.hpp"

namespace tocsin::agent {
namespace {

// procedure M-09
TEST(ProcessesCheck, ListsThisProgram) {
  CheckRun check(model::CheckKind::processes);
  const auto facts = check.facts<model::ProcessesFacts>();
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const auto group = std::find_if(facts.groups.begin(), facts.groups.end(),
                                  [&](const auto& g) { return g.executable == self; });
  ASSERT_NE(group, facts.groups.end());
  EXPECT_EQ(group->uid, ::getuid());
  EXPECT_EQ(group->executable_deleted, model::Tristate::no);
  EXPECT_EQ(group->memory_only, model::Tristate::no);
  EXPECT_FALSE(group->kernel_thread);
  EXPECT_GT(facts.processes, 1U);
}

TEST(ProcessesCheck, TellsAProgramDressedAsAKernelThreadWithAPreload) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char name[] = "[kworker/9:9]";
    char seconds[] = "60";
    char preload[] = "LD_PRELOAD=/nonexistent.so";
    char* const arguments[] = {name, seconds, nullptr};
    char* const environment[] = {preload, nullptr};
    ::execve("/bin/sleep", arguments, environment);
    ::_exit(127);
  }
  const std::string link = "/proc/" + std::to_string(child) + "/exe";
  while (std::filesystem::read_symlink(link).filename() == "integration_agent_checks") {
    ::usleep(1000);
  }
  ::usleep(20'000);  // The kernel shows the new arguments a moment after the new program.
  CheckRun check(model::CheckKind::processes);
  const auto facts = check.facts<model::ProcessesFacts>();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const auto group = std::find_if(facts.groups.begin(), facts.groups.end(), [&](const auto& g) {
    return g.example_pid == static_cast<std::uint32_t>(child);
  });
  ASSERT_NE(group, facts.groups.end());
  EXPECT_TRUE(group->imitates_kernel_thread);
  EXPECT_EQ(group->preload, model::Tristate::yes);
}

}  // namespace
}  // namespace tocsin::agent
