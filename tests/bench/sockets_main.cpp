// The figures of the socket table: the agent's own functions against the raw kernel interface and
// against the tools that people use, in the same run. Needs root, for a network namespace of its
// own.
//
//   bench_sockets listeners|sockets|owners [SOCKETS [ROUNDS]]
//
// Makes SOCKETS (50,000) loopback TCP sockets in 300 processes of a new network namespace, then in
// each round measures ours and its peers one after the other. Prints a line for each round:
// `ours_ms=… raw_ms=… netstat_ms=… ss_ms=…`; a peer that a figure has not is 0. The sockets go with
// the processes, the namespace with the last of them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/os/procfs.hpp"
#include "agent/os/sock_diag.hpp"
#include "tests/bench/crowd.hpp"

namespace tocsin::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kProcesses = 300;

template <class Work>
double milliseconds(Work work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// ---- The sockets ----

void new_network() {
  if (::unshare(CLONE_NEWNET) != 0) give_up("a network namespace of its own");
  const agent::os::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) give_up("loopback up");
}

// ---- The peers ----

// The least that the kernel can be asked with: the same fields into plain rows.
struct RawSocket {
  std::uint32_t inode, uid;
  std::uint16_t local_port, remote_port;
  std::uint8_t family, protocol, state;
  std::array<std::uint32_t, 4> local, remote;
};

template <class Body>
void ask(int netlink, std::uint16_t type, const Body& body) {
  struct {
    nlmsghdr header;
    Body body;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body = body;
  if (::send(netlink, &request, sizeof request, 0) < 0) give_up("ask sock_diag");
}

// TCP of both families walks the kernel's table once.
void ask_tcp(int netlink, std::uint32_t states) {
  inet_diag_req body{};
  body.idiag_family = AF_INET;
  body.idiag_states = states;
  ask(netlink, TCPDIAG_GETSOCK, body);
}

void ask_udp(int netlink, int family, std::uint32_t states) {
  inet_diag_req_v2 body{};
  body.sdiag_family = static_cast<std::uint8_t>(family);
  body.sdiag_protocol = IPPROTO_UDP;
  body.idiag_states = states;
  ask(netlink, SOCK_DIAG_BY_FAMILY, body);
}

void raw_answer(int netlink, int protocol, std::vector<RawSocket>& into) {
  static std::array<char, 32768> buffer;
  for (;;) {
    auto left = static_cast<unsigned>(
        std::max<ssize_t>(0, ::recv(netlink, buffer.data(), buffer.size(), 0)));
    if (left == 0) give_up("read sock_diag");
    auto* header = reinterpret_cast<nlmsghdr*>(buffer.data());
    for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return;
      if (header->nlmsg_type == NLMSG_ERROR) give_up("sock_diag");
      const auto* m = static_cast<inet_diag_msg*>(NLMSG_DATA(header));
      RawSocket row{m->idiag_inode,
                    m->idiag_uid,
                    ntohs(m->id.idiag_sport),
                    ntohs(m->id.idiag_dport),
                    m->idiag_family,
                    static_cast<std::uint8_t>(protocol),
                    m->idiag_state,
                    {},
                    {}};
      std::memcpy(row.local.data(), m->id.idiag_src, sizeof row.local);
      std::memcpy(row.remote.data(), m->id.idiag_dst, sizeof row.remote);
      into.push_back(row);
    }
  }
}

void raw_all(int netlink, std::uint32_t states, std::vector<RawSocket>& into) {
  into.clear();
  ask_tcp(netlink, states);
  raw_answer(netlink, IPPROTO_TCP, into);
  for (const int family : {AF_INET, AF_INET6}) {
    // A UDP socket that is bound and nothing more is in state CLOSE.
    ask_udp(netlink, family, states == 1U << TCP_LISTEN ? 1U << TCP_CLOSE : states);
    raw_answer(netlink, IPPROTO_UDP, into);
  }
}

// The whole command, its output thrown away.
double command(const std::vector<const char*>& words) {
  return milliseconds([&] {
    const pid_t pid = ::fork();
    if (pid < 0) give_up("fork");
    if (pid == 0) {
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, 1);
      ::dup2(null, 2);
      std::vector<char*> argv;
      for (const char* word : words) argv.push_back(const_cast<char*>(word));
      argv.push_back(nullptr);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) give_up(words[0]);
  });
}

// ---- The figures ----

struct Ours {
  agent::os::SocketReader reader{"/"};
  std::vector<agent::os::Socket> listeners;
  std::vector<agent::os::Socket> connections;

  void look(agent::os::SocketQuery query, std::vector<agent::os::Socket>& into) {
    if (!reader.read(query, into)) give_up("the agent's reader");
  }
  void everything() {
    look(agent::os::SocketQuery::listeners, listeners);
    look(agent::os::SocketQuery::connections, connections);
  }
  std::size_t owners() {
    everything();
    std::vector<std::uint64_t> inodes;
    for (const auto& socket : listeners) inodes.push_back(socket.inode);
    for (const auto& socket : connections) inodes.push_back(socket.inode);
    const auto proc = agent::os::ProcReader::open("/");
    const auto scan = proc ? proc->find_sockets(inodes, {}) : fail(proc.error());
    if (!scan) give_up("the agent's search");
    return scan->holders.size();
  }
};

template <class Work>
double best_of(int times, Work work) {
  double best = milliseconds(work);
  for (int i = 1; i < times; ++i) best = std::min(best, milliseconds(work));
  return best;
}

void measure(const std::string& figure, std::size_t sockets, int rounds) {
  const agent::os::Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  Ours ours;
  std::vector<RawSocket> raw;
  // Both sides once before, so that their memory is there, and see the same.
  raw_all(netlink.get(), figure == "listeners" ? 1U << TCP_LISTEN : 0xfff, raw);
  ours.everything();
  const std::size_t seen =
      ours.listeners.size() + (figure == "listeners" ? 0 : ours.connections.size());
  if (seen != raw.size()) {
    fmt::print(stderr, "bench_sockets: we see {} sockets, the kernel gives {}\n", seen, raw.size());
    std::exit(1);
  }
  if (figure == "owners" && ours.owners() < sockets * 99 / 100) give_up("owners not found");
  for (int i = 0; i < rounds; ++i) {
    double mine = 0, least = 0, netstat = 0, ss = 0;
    if (figure == "listeners") {
      constexpr int kTimes = 20;
      mine = best_of(kTimes, [&] { ours.look(agent::os::SocketQuery::listeners, ours.listeners); });
      least = best_of(kTimes, [&] { raw_all(netlink.get(), 1U << TCP_LISTEN, raw); });
      netstat = command({"netstat", "-ltn"});
    } else if (figure == "sockets") {
      mine = milliseconds([&] { ours.everything(); });
      least = milliseconds([&] { raw_all(netlink.get(), 0xfff, raw); });
      netstat = command({"netstat", "-na"});
      ss = command({"ss", "-na"});
    } else {
      mine = milliseconds([&] { ours.owners(); });
      netstat = command({"netstat", "-nap"});
    }
    fmt::print("ours_ms={:.4f} raw_ms={:.4f} netstat_ms={:.3f} ss_ms={:.3f}\n", mine, least,
               netstat, ss);
  }
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) {
  using namespace tocsin::bench;
  const std::string figure = argc > 1 ? argv[1] : "";
  if (figure != "listeners" && figure != "sockets" && figure != "owners") {
    fmt::print(stderr, "bench_sockets listeners|sockets|owners [SOCKETS [ROUNDS]]\n");
    return 2;
  }
  const int sockets = argc > 2 ? std::atoi(argv[2]) : 50'000;
  new_network();
  const Crowd crowd(sockets, kProcesses);
  measure(figure, static_cast<std::size_t>(sockets), argc > 3 ? std::atoi(argv[3]) : 5);
  return 0;
}
