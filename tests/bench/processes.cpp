// processes_1000_vs_ps: how long the agent's look at a thousand processes takes, in its process,
// against `ps` with the same fields, as one runs it. The look is one of many, at processes that the
// agent knows from the look before; ps knows nothing, so the very first look, which finds out
// everything (packages too), is measured as well. Prints "look_ms first_look_ms ps_ms ratio
// first_ratio", all medians.
//
// bench_processes COUNT ROUNDS
#include "agent/checks/processes.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/time/time_source.hpp"

namespace {

using namespace tocsin;

// Processes that do nothing, each in two hundred of a system's kinds of name.
class Sleepers {
 public:
  explicit Sleepers(int count) {
    for (int i = 0; i < count; ++i) {
      std::string program = "/bin/sleep";
      std::string seconds = std::to_string(3600 + i % 200);
      char* arguments[] = {program.data(), seconds.data(), nullptr};
      pid_t pid = 0;
      if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ) == 0) {
        pids_.push_back(pid);
      }
    }
  }
  ~Sleepers() {
    for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
  }
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;
  std::size_t count() const { return pids_.size(); }

 private:
  std::vector<pid_t> pids_;
};

void run_ps() {
  std::string program = "/bin/ps";
  std::string all = "-eo";
  std::string fields = "pid,ppid,euid,euser,state,lstart,flags,comm,exe,cgroup,args";
  char* arguments[] = {program.data(), all.data(), fields.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int status = -1;
  if (::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ) == 0) {
    ::waitpid(pid, &status, 0);
  }
  posix_spawn_file_actions_destroy(&actions);
  TOCSIN_CHECK(status == 0);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Work>
double milliseconds(const time::TimeSource& clock, Work work) {
  const MonoTime start = clock.steady();
  work();
  return static_cast<double>((clock.steady() - start).count()) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 21;
  const time::SystemTime clock;
  const Sleepers sleepers(count);
  TOCSIN_CHECK(sleepers.count() == static_cast<std::size_t>(count));
  agent::CheckContext context{clock, {}, "/", {}, {}, nullptr, {}};
  model::CheckDefinition check;
  check.check.kind = model::CheckKind::processes;
  const auto look = [&] {
    const auto seen = agent::observe_processes(check, context);
    const auto* facts = std::get_if<model::ProcessesFacts>(&seen.facts);
    TOCSIN_CHECK(facts != nullptr && facts->processes >= static_cast<std::uint32_t>(count));
  };
  std::vector<double> looks;
  std::vector<double> first_looks;
  std::vector<double> lists;
  std::vector<double> ratios;
  std::vector<double> first_ratios;
  for (int round = 0; round < rounds; ++round) {
    agent::CheckContext fresh{clock, {}, "/", {}, {}, nullptr, {}};
    std::swap(context.memory, fresh.memory);
    first_looks.push_back(milliseconds(clock, look));
    std::swap(context.memory, fresh.memory);
    lists.push_back(milliseconds(clock, run_ps));
    if (round == 0) look();
    looks.push_back(milliseconds(clock, look));
    ratios.push_back(lists.back() / looks.back());
    first_ratios.push_back(lists.back() / first_looks.back());
  }
  fmt::print("{:.2f} {:.2f} {:.2f} {:.2f} {:.2f}\n", median(looks), median(first_looks),
             median(lists), median(ratios), median(first_ratios));
  return 0;
}
