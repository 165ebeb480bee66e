#include "agent/os/try_bind.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/os/files.hpp"
#include "agent/os/number.hpp"

namespace tocsin::agent::os {
namespace {

BindTrial trial_of(int error) {
  if (error == EADDRINUSE) return BindTrial::taken;
  if (error == EACCES || error == EPERM) return BindTrial::not_permitted;
  return BindTrial::failed;
}

template <class Address>
BindTrial bind_to(const Fd& socket, const Address& address) {
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  return ::bind(socket.get(), to, sizeof address) == 0 ? BindTrial::free : trial_of(errno);
}

Fd make_socket(int family, model::Protocol protocol) {
  const bool tcp = protocol == model::Protocol::tcp;
  Fd socket(::socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  const int on = 1;
  const int off = 0;
  if (socket.valid() && tcp) {
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (socket.valid() && family == AF_INET6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  return socket;
}

}  // namespace

BindTrial try_bind(model::Protocol protocol, std::uint16_t port) {
  // One of both families is in the way of either; without IPv6 there is only the other.
  if (const Fd both = make_socket(AF_INET6, protocol); both.valid()) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_any;
    const BindTrial trial = bind_to(both, address);
    if (trial != BindTrial::failed) return trial;
  }
  const Fd one = make_socket(AF_INET, protocol);
  if (!one.valid()) return trial_of(errno);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  return bind_to(one, address);
}

std::uint16_t first_bindable_port() {
  constexpr std::uint16_t kKernelsDefault = 1024;
  constexpr std::string_view kEffective = "CapEff:\t";
  const std::string status = read_start("/proc/thread-self/status", 8192).value_or("");
  const std::size_t line = status.find(kEffective);
  std::uint64_t effective = 0;
  if (line != std::string::npos) {
    const std::string_view digits = std::string_view(status).substr(line + kEffective.size(), 16);
    read_number(digits, effective, 16);
  }
  if ((effective >> CAP_NET_BIND_SERVICE & 1U) != 0) return 1;
  std::string start = read_start("/proc/sys/net/ipv4/ip_unprivileged_port_start", 16).value_or("");
  start.resize(std::min(start.size(), start.find('\n')));
  std::uint16_t port = kKernelsDefault;
  return read_number(std::string_view(start), port) ? std::max<std::uint16_t>(port, 1)
                                                    : kKernelsDefault;
}

Result<BoundSocket> BoundSocket::open() {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (!socket.valid() || ::bind(socket.get(), raw, size) != 0 ||
      ::getsockname(socket.get(), raw, &size) != 0) {
    return fail(system_error("bind a socket", errno));
  }
  return BoundSocket(std::move(socket), ntohs(address.sin_port));
}

}  // namespace tocsin::agent::os
