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
constexpr Duration kLookWithoutPidfd = 20ms;  // on a kernel before 5.3
// How long what the program left behind may take to end after it was killed.
constexpr Duration kLastWait = 5s;

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
  Pipe ended;    // the keeper writes how the program ended
  Pipe release;  // closed by us: the keeper is to end all that is left
  Pipe failure;  // tells why the program could not be started; closed by its start
};

Result<Pipes> make_pipes() {
  Pipes pipes;
  for (Pipe* one :
       {&pipes.input, &pipes.output, &pipes.errors, &pipes.ended, &pipes.release, &pipes.failure}) {
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

// ---- the keeper: only calls that are safe between fork and exec, as other threads of this
// process may have held any lock when it was made. It never returns.

// Ends its children. Whose parent ends is its child then: repeated until there is none. Nobody but
// itself takes a child from the list, so that none is passed by.
void end_children() {
  std::array<char, 4096> text;
  for (;;) {
    const int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t size = 0;
    pid_t pid = 0;
    while (list >= 0 && (size = ::read(list, text.data(), text.size())) > 0) {
      for (ssize_t i = 0; i < size; ++i) {
        const char c = text[static_cast<std::size_t>(i)];
        if (c >= '0' && c <= '9') {
          pid = pid * 10 + (c - '0');
        } else if (pid > 0) {
          ::kill(pid, SIGKILL);
          pid = 0;
        }
      }
    }
    if (list < 0) return;  // Without /proc only the group is ended.
    ::close(list);
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
  }
}

// Until its input is closed, which releases it. Its output takes how the program ended. What the
// program left behind is taken from the list as it ends: it counts against the limit of tasks.
void tell_end_and_wait(pid_t child) {
  constexpr int kOthers = 100;  // ms between two looks at those whose parent is gone
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  bool told = false;
  for (;;) {
    std::array<pollfd, 2> wait{{{STDIN_FILENO, POLLIN, 0}, {told ? -1 : process, POLLIN, 0}}};
    const int limit = process < 0 && !told ? static_cast<int>(kLookWithoutPidfd / 1ms) : kOthers;
    if (::poll(wait.data(), wait.size(), limit) < 0 && errno != EINTR) return;
    if (wait[0].revents != 0) return;
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (told || ended != child) continue;
      told = ::write(STDOUT_FILENO, &status, sizeof status) == sizeof status;
      if (!told) return;
    }
  }
}

// All but input and output, where the kernel has no close_range: whoever reads from a pipe of which
// an end stays open here would wait for ever.
void close_by_hand(const Pipes& pipes) {
  constexpr int kUsual = 1024;  // programs beside this one have their pipes there
  for (const Pipe* one :
       {&pipes.input, &pipes.output, &pipes.errors, &pipes.ended, &pipes.release, &pipes.failure}) {
    if (one->read.get() >= kUsual) ::close(one->read.get());
    if (one->write.get() >= kUsual) ::close(one->write.get());
  }
  for (int end = STDERR_FILENO; end < kUsual; ++end) ::close(end);
}

[[noreturn]] void keep(const Pipes& pipes, char* const* words, char* const* environment) {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t child = ::_Fork();
  if (child == 0) become(pipes, words, environment);
  if (child < 0) {
    const int why = errno;
    const ssize_t told = ::write(pipes.failure.write.get(), &why, sizeof why);
    ::_exit(told == sizeof why ? 127 : 126);
  }
  ::setpgid(child, child);
  // It must hold no end of a pipe, of this program or of another: whoever reads would wait.
  if (::dup2(pipes.release.read.get(), STDIN_FILENO) < 0 ||
      ::dup2(pipes.ended.write.get(), STDOUT_FILENO) < 0) {
    ::_exit(1);
  }
  if (::close_range(STDERR_FILENO, ~0U, 0) != 0) close_by_hand(pipes);
  tell_end_and_wait(child);
  ::kill(-child, SIGKILL);
  end_children();
  ::_exit(0);
}

Result<pid_t> start(Pipes& pipes, const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Messages of programs are read by programs here: English, whatever this host speaks.
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string language = "LC_ALL=C.UTF-8";
  const std::array<char*, 3> environment{path.data(), language.data(), nullptr};
  const pid_t keeper = ::fork();
  if (keeper < 0) return fail(system_error("fork", errno));
  if (keeper == 0) keep(pipes, arguments.data(), environment.data());
  pipes.ended.write = Fd();
  pipes.release.read = Fd();
  pipes.input.read = Fd();
  pipes.output.write = Fd();
  pipes.errors.write = Fd();
  pipes.failure.write = Fd();
  int why = 0;
  if (::read(pipes.failure.read.get(), &why, sizeof why) == sizeof why) {
    pipes.release.write = Fd();
    ::waitpid(keeper, nullptr, 0);
    return fail(system_error(words.front(), why));
  }
  ::fcntl(pipes.input.write.get(), F_SETFL, O_NONBLOCK);
  return keeper;
}

class Talk {
 public:
  Talk(const ProgramCall& call, Pipes pipes, pid_t keeper, const time::TimeSource& time)
      : call_(call), time_(time), pipes_(std::move(pipes)), keeper_(keeper) {
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
    // Nothing that the program started outlives the call.
    if (!ended_) tell(SIGKILL);
    dismiss_keeper();
    return std::move(result_);
  }

 private:
  void look(int milliseconds) {
    std::array<pollfd, 4> wait{{{pipes_.output.read.get(), POLLIN, 0},
                                {pipes_.errors.read.get(), POLLIN, 0},
                                {pipes_.input.write.get(), POLLOUT, 0},
                                {ended_ ? -1 : pipes_.ended.read.get(), POLLIN, 0}}};
    if (::poll(wait.data(), wait.size(), milliseconds) < 0) return;
    if (wait[0].revents != 0) read_into(pipes_.output.read, result_.output);
    if (wait[1].revents != 0) read_into(pipes_.errors.read, result_.errors);
    if (wait[2].revents != 0) write_input();
    if (wait[3].revents != 0) read_end();
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

  void read_end() {
    int status = 0;
    const ssize_t size = ::read(pipes_.ended.read.get(), &status, sizeof status);
    if (size < 0 && errno == EINTR) return;
    ended_ = true;
    tell(size == sizeof status ? status : SIGKILL);  // Who ended the keeper ended the program too.
  }
  // `status`: as waitpid says it; a signal's number is that of a program which it ended.
  void tell(int status) {
    result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  // It ends all that is left. What the kernel does not let end in time is left to the host.
  void dismiss_keeper() {
    pipes_.release.write = Fd();
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, keeper_, 0)));
    pollfd gone{process.get(), POLLIN, 0};  // without one this only waits
    const Duration between = process.valid() ? kLook : kLookWithoutPidfd;
    const MonoTime end = time_.steady() + kLastWait;
    while (::waitpid(keeper_, nullptr, WNOHANG) == 0) {
      if (time_.steady() >= end) {
        ::kill(keeper_, SIGKILL);
        ::waitpid(keeper_, nullptr, 0);
        return;
      }
      ::poll(&gone, 1, static_cast<int>(between / 1ms));
    }
  }

  const ProgramCall& call_;
  const time::TimeSource& time_;
  Pipes pipes_;
  pid_t keeper_;
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
  const auto keeper = start(*pipes, call.words);
  if (!keeper) return fail(keeper.error());
  return Talk(call, *std::move(pipes), *keeper, time).run(stop);
}

}  // namespace tocsin::agent::os
