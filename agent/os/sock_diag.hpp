// The kernel's table of TCP and UDP sockets: over netlink (sock_diag, filtered in the kernel), or
// where that is missing from the text of /proc/net. Both parsers are pure and take hostile bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/model/check.hpp"
#include "common/net/ip.hpp"

namespace tocsin::agent::os {

// As the kernel numbers them.
enum class SocketState : std::uint8_t {
  other = 0,
  established = 1,
  syn_sent = 2,
  syn_received = 3,
  fin_wait_1 = 4,
  fin_wait_2 = 5,
  time_wait = 6,
  closed = 7,
  close_wait = 8,
  last_ack = 9,
  listen = 10,
  closing = 11,
};

struct Socket {
  model::Protocol protocol = model::Protocol::tcp;
  SocketState state = SocketState::other;  // an unconnected UDP socket is `closed`
  net::IpAddress local;
  std::uint16_t local_port = 0;
  net::IpAddress remote;
  std::uint16_t remote_port = 0;
  std::uint32_t uid = 0;  // of who made it
  std::uint64_t inode = 0;
  friend bool operator==(const Socket&, const Socket&) = default;
};

// What one datagram of a dump's answer said beside its sockets.
struct DiagAnswer {
  bool done = false;
  bool interrupted = false;  // the table changed meanwhile: ask again
};
// Appends the sockets of one datagram, at any alignment. Errors: invalid_argument (not such an
// answer), or what the kernel refused with.
Result<DiagAnswer> parse_sock_diag(std::string_view datagram, model::Protocol protocol,
                                   std::vector<Socket>& into);

// /proc/net/tcp, tcp6, udp, udp6. Lines that are not of that form are left out.
std::vector<Socket> parse_proc_net(std::string_view text, model::Protocol protocol);

// What a look asks for. TCP listeners and bound UDP sockets cost about 80 us whatever the number of
// connections is; connections cost about 1 us each.
//   listeners    TCP in LISTEN, UDP bound without a peer
//   connections  TCP that was established, also those that are closing; UDP with a peer
//   everything   all that has a port, in any state; also TCP that is bound and does not listen,
//                where the kernel tells of it (Linux 6.8)
enum class SocketQuery : std::uint8_t { listeners, tcp_listeners, connections, everything };

// Asks the kernel for its sockets, again and again with the same netlink socket and buffer.
// Thread: one at a time.
class SocketReader {
 public:
  // `root` "/" asks the kernel; another one, or a kernel without sock_diag, reads root/proc/net.
  explicit SocketReader(std::string root);
  ~SocketReader();
  SocketReader(const SocketReader&) = delete;
  SocketReader& operator=(const SocketReader&) = delete;

  // Replaces what is in `into`; its room is used again. Errors: permission_denied, unavailable,
  // not_found, resource_exhausted (more sockets than the agent reads).
  Status read(SocketQuery query, std::vector<Socket>& into);
  // The last answer came from the kernel by netlink and not from text.
  bool asks_kernel() const { return diag_ != nullptr; }

 private:
  class Diag;
  Status ask_kernel(SocketQuery query, std::vector<Socket>& into);
  Status open_diag();
  Status ask_for_tcp(SocketQuery query, std::vector<Socket>& into);
  std::string root_;
  std::unique_ptr<Diag> diag_;
  bool both_families_ = true;  // the kernel tells TCP of both in one answer
};

// The same from the text of a /proc/net folder: of this network namespace ("/proc/net"), or of the
// one that a process is in ("/proc/PID/net"), which needs no privilege and no entering.
Status read_proc_net(SocketQuery query, const std::string& folder, std::vector<Socket>& into);

}  // namespace tocsin::agent::os
