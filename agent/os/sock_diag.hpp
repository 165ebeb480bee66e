// The kernel's table of TCP and UDP sockets: over netlink (sock_diag, filtered in the kernel), or
// where that is missing from the text of /proc/net. Both parsers are pure and take hostile bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/os/ip.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent::os {

// As the kernel numbers them.
enum class SocketState : std::uint8_t { established = 1, closed = 7, listen = 10, other = 0 };

struct Socket {
  model::Protocol protocol = model::Protocol::tcp;
  SocketState state = SocketState::other;  // an unconnected UDP socket is `closed`
  IpAddress local;
  std::uint16_t local_port = 0;
  IpAddress remote;
  std::uint16_t remote_port = 0;
  std::uint32_t uid = 0;  // of who made it
  std::uint64_t inode = 0;
  friend bool operator==(const Socket&, const Socket&) = default;
};

// One datagram of a dump's answer.
struct DiagAnswer {
  std::vector<Socket> sockets;
  bool done = false;
  bool interrupted = false;  // the table changed meanwhile: ask again
};
// Errors: invalid_argument (not such an answer), or what the kernel refused with.
Result<DiagAnswer> parse_sock_diag(std::string_view datagram, model::Protocol protocol);

// /proc/net/tcp, tcp6, udp, udp6. Lines that are not of that form are left out.
std::vector<Socket> parse_proc_net(std::string_view text, model::Protocol protocol);

// What a look asks for. TCP listeners and bound UDP sockets cost about 80 us whatever the number of
// connections is; connections cost about 1 us each.
enum class SocketQuery : std::uint8_t { listeners, connections };

// Listeners: TCP in LISTEN, UDP bound without a peer. Connections: established TCP, UDP with a
// peer. `root` "/" asks the kernel; another one, or a kernel without sock_diag, reads
// root/proc/net. Errors: permission_denied, unavailable, not_found.
Result<std::vector<Socket>> read_sockets(SocketQuery query, std::string_view root);

}  // namespace tocsin::agent::os
