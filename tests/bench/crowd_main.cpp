// A busy host, for as long as its standard input stays open: PROCESSES processes, SOCKETS sockets
// in a tenth of them, each with a listener, in this network namespace, and ten times a second a
// connection that comes and goes.
//
//   bench_crowd SOCKETS PROCESSES
//
// Prints "ready" when all are there.
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/crowd.hpp"

namespace tocsin::bench {
namespace {

constexpr int kPauseMs = 100;
constexpr int kOneOf = 10;  // of so many processes has sockets

class Caller {
 public:
  Caller() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, raw(), size_) != 0 || ::listen(listener_, 16) != 0) give_up("listen");
    ::getsockname(listener_, raw(), &size_);
  }
  void call() {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0 || ::connect(client, raw(), size_) != 0) give_up("connect");
    const int accepted = ::accept(listener_, nullptr, nullptr);
    ::close(accepted);
    ::close(client);
  }

 private:
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&address_); }
  int listener_;
  sockaddr_in address_{};
  socklen_t size_ = sizeof address_;
};

void hold(int sockets, int processes) {
  const Crowd servers(sockets, processes / kOneOf);
  const Crowd others(0, processes - processes / kOneOf);
  Caller caller;
  fmt::print("ready\n");
  std::fflush(stdout);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (::poll(&input, 1, kPauseMs) == 0) caller.call();
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "bench_crowd SOCKETS PROCESSES\n");
    return 2;
  }
  tocsin::bench::hold(std::atoi(argv[1]), std::atoi(argv[2]));
  return 0;
}
