#include "agent/os/sock_events.hpp"

#include <cerrno>
#include <utility>

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

namespace tocsin::agent::os {

Result<SocketEvents> SocketEvents::open(int buffer) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (!fd.valid()) return fail(system_error("open sock_diag events", errno));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(system_error("bind sock_diag events", errno));
  }
  for (const int group : {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY}) {
    if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return fail(system_error("join sock_diag events", errno));
    }
  }
  return SocketEvents(std::move(fd));
}

void SocketEvents::read(std::size_t limit, std::vector<Socket>& into) {
  const std::size_t first = into.size();
  while (into.size() - first < limit) {
    const ssize_t n = ::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == ENOBUFS) {
      ++overflows_;
      continue;
    }
    if (n <= 0) return;
    // One that cannot be read says nothing; the next look at the table does.
    static_cast<void>(
        parse_sock_diag({buffer_.data(), static_cast<std::size_t>(n)}, model::Protocol::tcp, into));
  }
}

}  // namespace tocsin::agent::os
