// TCP connections that wait for nothing: begin, poll for writing, ask how it ended.
#pragma once

#include <cstdint>

#include <sys/socket.h>

#include "common/net/fd.hpp"
#include "common/net/ip.hpp"

namespace tocsin::net {

struct Connecting {
  Fd fd;
  int error = 0;  // 0: connected; EINPROGRESS: under way; else it failed
};
Connecting begin_connect(const IpAddress& address, std::uint16_t port);
Connecting begin_connect(const sockaddr_storage& to, socklen_t size);
// How one that was under way ended, once it can be written to: 0 or an errno.
int connect_error(const Fd& fd);

}  // namespace tocsin::net
