#include "agent/commands/supervise.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log/log.hpp"

namespace tocsin::agent {
namespace {

// One child and when to start it again.
struct Running {
  const Child* child = nullptr;
  pid_t pid = 0;
  int pidfd = -1;  // -1: not running
  MonoTime since;  // running since, or to be started at
  Duration pause{};
};

// Between fork and exec only calls that are safe after a fork of a process with threads.
[[noreturn]] void become(char* const* arguments, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (::getppid() == parent) ::execv(arguments[0], arguments);
  ::_exit(127);
}

Status start(Running& running, MonoTime now) {
  std::vector<char*> arguments;
  for (const std::string& argument : running.child->arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(system_error("fork", errno));
  if (pid == 0) become(arguments.data(), parent);
  running.pid = pid;
  running.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  running.since = now;
  if (running.pidfd < 0) return fail(system_error("pidfd_open", errno));
  log::info("agent.child_started", {{"child", running.child->name}, {"pid", pid}});
  return {};
}

std::string how(int status) {
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit {}", WEXITSTATUS(status));
}

// Takes note of a child that ended; false while it runs.
bool reap(Running& running) {
  int status = 0;
  if (running.pidfd < 0 || ::waitpid(running.pid, &status, WNOHANG) != running.pid) return false;
  ::close(running.pidfd);
  running.pidfd = -1;
  log::warning("agent.child_ended", {{"child", running.child->name}, {"how", how(status)}});
  return true;
}

void plan_restart(Running& running, const SupervisorLimits& limits, MonoTime now) {
  const bool healthy = now - running.since >= limits.healthy_after;
  running.pause = healthy || running.pause == Duration::zero()
                      ? limits.first_pause
                      : std::min(running.pause * 2, limits.longest_pause);
  running.since = now + running.pause;
}

// Waits for a child to end, for `wake`, or for `longest` (negative: for ever).
void wait(const std::vector<Running>& all, int wake, Duration longest) {
  std::vector<pollfd> fds;
  if (wake >= 0) fds.push_back({wake, POLLIN, 0});
  for (const Running& running : all) {
    if (running.pidfd >= 0) fds.push_back({running.pidfd, POLLIN, 0});
  }
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
  ::poll(fds.data(), fds.size(),
         longest < Duration::zero()
             ? -1
             : static_cast<int>(std::min<std::int64_t>(milliseconds, 60'000)));
}

void stop_all(std::vector<Running>& all, const SupervisorLimits& limits,
              const time::TimeSource& time) {
  const auto signal_all = [&](int number) {
    for (const Running& running : all) {
      if (running.pidfd >= 0) ::kill(running.pid, number);
    }
  };
  const auto any = [&] {
    return std::any_of(all.begin(), all.end(), [](const Running& r) { return r.pidfd >= 0; });
  };
  signal_all(SIGTERM);
  const MonoTime deadline = time.steady() + limits.stop_grace;
  while (any()) {
    const Duration left = deadline - time.steady();
    if (left <= Duration::zero()) signal_all(SIGKILL);
    wait(all, -1, std::max(left, Duration(100ms)));
    for (Running& running : all) reap(running);
  }
}

// How long until the next child is due; negative when all run.
Duration until_due(const std::vector<Running>& all, MonoTime now) {
  Duration longest{-1};
  for (const Running& running : all) {
    if (running.pidfd >= 0) continue;
    const Duration left = std::max(running.since - now, Duration::zero());
    longest = longest < Duration::zero() ? left : std::min(longest, left);
  }
  return longest;
}

Status watch(std::vector<Running>& all, const SupervisorLimits& limits,
             const time::TimeSource& time, const std::stop_token& stop, int wake) {
  while (!stop.stop_requested()) {
    for (Running& running : all) {
      if (running.pidfd < 0 && running.since <= time.steady()) {
        TOCSIN_TRY(start(running, time.steady()));
      }
    }
    wait(all, wake, until_due(all, time.steady()));
    for (Running& running : all) {
      if (reap(running)) plan_restart(running, limits, time.steady());
    }
  }
  return {};
}

}  // namespace

Status supervise(const std::vector<Child>& children, const SupervisorLimits& limits,
                 const time::TimeSource& time, systemd::StopSignal& stop) {
  const int wake = ::eventfd(0, EFD_CLOEXEC);
  if (wake < 0) return fail(system_error("eventfd", errno));
  std::vector<Running> all;
  for (const Child& child : children) all.push_back({.child = &child, .since = time.steady()});
  Status status;
  {
    const std::stop_callback on_stop(stop.token(), [wake] { ::eventfd_write(wake, 1); });
    status = watch(all, limits, time, stop.token(), wake);
  }
  stop_all(all, limits, time);
  ::close(wake);
  return status;
}

}  // namespace tocsin::agent
