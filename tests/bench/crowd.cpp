#include "tests/bench/crowd.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tocsin::bench {
namespace {

// A listener and connected pairs, `count` sockets in all.
void open_sockets(int count) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, raw, size) != 0 || ::listen(listener, 512) != 0) ::_exit(1);
  ::getsockname(listener, raw, &size);
  for (int i = 1; i + 1 < count; i += 2) {
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || ::connect(client, raw, sizeof address) != 0) ::_exit(1);
    if (::accept(listener, nullptr, nullptr) < 0) ::_exit(1);
  }
}

[[noreturn]] void hold_sockets(int count, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (count > 0) open_sockets(count);
  if (::write(ready, "x", 1) != 1) ::_exit(1);
  for (;;) ::pause();
}

}  // namespace

void give_up(const char* what) {
  fmt::print(stderr, "{}: {}: {}\n", program_invocation_short_name, what, std::strerror(errno));
  std::exit(1);
}

Crowd::Crowd(int sockets, int processes) {
  const rlimit files{65536, 65536};
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) give_up("pipe");
  for (int i = 0; i < processes; ++i) {
    const pid_t pid = ::fork();
    if (pid < 0) give_up("fork");
    if (pid == 0) hold_sockets(sockets / processes, pipe[1]);
    pids_.push_back(pid);
  }
  ::close(pipe[1]);
  char byte = 0;
  for (int i = 0; i < processes; ++i) {
    if (::read(pipe[0], &byte, 1) != 1) give_up("a process could not make its sockets");
  }
  ::close(pipe[0]);
}

Crowd::~Crowd() {
  for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
  for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
}

}  // namespace tocsin::bench
