#include "agent/os/program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

// A stop is noticed at most this late, and so is a child of the program that keeps its output open.
constexpr Duration kLook = 100ms;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("pipe", errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

struct Pipes {
  Pipe input;
  Pipe output;
  Pipe errors;
  Pipe failure;  // tells why the program could not be started; closed by its start
};

Result<Pipes> make_pipes() {
  Pipes pipes;
  for (Pipe* one : {&pipes.input, &pipes.output, &pipes.errors, &pipes.failure}) {
    auto made = make_pipe();
    if (!made) return fail(made.error());
    *one = *std::move(made);
  }
  return pipes;
}

// Runs in the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(const Pipes& pipes, char* const* words, char* const* environment) {
  ::setpgid(0, 0);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(pipes.input.read.get(), STDIN_FILENO) >= 0 &&
      ::dup2(pipes.output.write.get(), STDOUT_FILENO) >= 0 &&
      ::dup2(pipes.errors.write.get(), STDERR_FILENO) >= 0) {
    // Whatever else is open here is not its business, also where somebody forgot to say so.
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execve(words[0], words, environment);
  }
  const int why = errno;
  const ssize_t told = ::write(pipes.failure.write.get(), &why, sizeof why);
  ::_exit(told == sizeof why ? 127 : 126);
}

Result<pid_t> start(Pipes& pipes, const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Messages of programs are read by programs here: English, whatever this host speaks.
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string language = "LC_ALL=C.UTF-8";
  const std::array<char*, 3> environment{path.data(), language.data(), nullptr};
  const pid_t child = ::fork();
  if (child < 0) return fail(system_error("fork", errno));
  if (child == 0) become(pipes, arguments.data(), environment.data());
  ::setpgid(child, child);  // Also here, so that it holds whichever of the two comes first.
  pipes.input.read = Fd();
  pipes.output.write = Fd();
  pipes.errors.write = Fd();
  pipes.failure.write = Fd();
  int why = 0;
  if (::read(pipes.failure.read.get(), &why, sizeof why) == sizeof why) {
    ::waitpid(child, nullptr, 0);
    return fail(system_error(words.front(), why));
  }
  ::fcntl(pipes.input.write.get(), F_SETFL, O_NONBLOCK);
  return child;
}

class Talk {
 public:
  Talk(const ProgramCall& call, Pipes pipes, pid_t child, const time::TimeSource& time)
      : call_(call),
        time_(time),
        pipes_(std::move(pipes)),
        child_(child),
        process_(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))) {
    if (call_.input.empty()) pipes_.input.write = Fd();
  }

  ProgramEnd run(const std::stop_token& stop) {
    const MonoTime end = time_.steady() + call_.limit;
    while (!ended_ || pipes_.output.read.valid() || pipes_.errors.read.valid()) {
      const MonoTime now = time_.steady();
      if (stop.stop_requested() || now >= end) {
        // A child that it left behind may hold its output open: the program itself has ended then.
        result_.timed_out = !ended_;
        break;
      }
      look(static_cast<int>(std::min(end - now, kLook) / 1ms) + 1);
    }
    // The group too: nothing that the program started outlives the call.
    ::kill(-child_, SIGKILL);
    if (!ended_) reap(0);
    return std::move(result_);
  }

 private:
  void look(int milliseconds) {
    std::array<pollfd, 4> wait{{{pipes_.output.read.get(), POLLIN, 0},
                                {pipes_.errors.read.get(), POLLIN, 0},
                                {pipes_.input.write.get(), POLLOUT, 0},
                                {ended_ ? -1 : process_.get(), POLLIN, 0}}};
    if (::poll(wait.data(), wait.size(), milliseconds) < 0 && errno != EINTR) ended_ = reap(0);
    if (wait[0].revents != 0) read_into(pipes_.output.read, result_.output);
    if (wait[1].revents != 0) read_into(pipes_.errors.read, result_.errors);
    if (wait[2].revents != 0) write_input();
    if (!ended_ && (wait[3].revents != 0 || !process_.valid())) ended_ = reap(WNOHANG);
  }

  void read_into(Fd& from, std::string& text) {
    std::array<char, 16384> bytes;
    const ssize_t count = ::read(from.get(), bytes.data(), bytes.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) {
      from = Fd();
      return;
    }
    const auto got = static_cast<std::size_t>(count);
    const std::size_t kept = std::min(got, call_.output_limit - text.size());
    text.append(bytes.data(), kept);
    if (kept < got) result_.cut = true;
  }

  void write_input() {
    const ssize_t count = ::write(pipes_.input.write.get(), call_.input.data() + written_,
                                  call_.input.size() - written_);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count > 0) written_ += static_cast<std::size_t>(count);
    if (count <= 0 || written_ == call_.input.size()) pipes_.input.write = Fd();
  }

  bool reap(int flags) {
    int status = 0;
    const pid_t got = ::waitpid(child_, &status, flags);
    if (got == 0) return false;
    result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return true;
  }

  const ProgramCall& call_;
  const time::TimeSource& time_;
  Pipes pipes_;
  pid_t child_;
  Fd process_;
  bool ended_ = false;
  std::size_t written_ = 0;
  ProgramEnd result_;
};

// A program that closes its input early must not end this process.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~NoPipeSignal() {
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    const timespec at_once{};
    while (::sigismember(&before_, SIGPIPE) == 0 && ::sigtimedwait(&pipe, nullptr, &at_once) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

Result<ProgramEnd> run_program(const ProgramCall& call, const time::TimeSource& time,
                               const std::stop_token& stop) {
  if (call.words.empty() || !call.words.front().starts_with('/')) {
    return fail(ErrorCode::invalid_argument, "a program is named by its absolute path");
  }
  auto pipes = make_pipes();
  if (!pipes) return fail(pipes.error());
  const NoPipeSignal quiet;
  const auto child = start(*pipes, call.words);
  if (!child) return fail(child.error());
  return Talk(call, *std::move(pipes), *child, time).run(stop);
}

}  // namespace tocsin::agent::os
