#include "common/net/tcp.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>

namespace tocsin::net {

Connecting begin_connect(const IpAddress& address, std::uint16_t port) {
  sockaddr_storage to{};
  socklen_t size = 0;
  if (address.v6) {
    sockaddr_in6 raw{};
    raw.sin6_family = AF_INET6;
    raw.sin6_port = htons(port);
    std::memcpy(&raw.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&to, &raw, sizeof raw);
    size = sizeof raw;
  } else {
    sockaddr_in raw{};
    raw.sin_family = AF_INET;
    raw.sin_port = htons(port);
    std::memcpy(&raw.sin_addr, address.bytes.data(), 4);
    std::memcpy(&to, &raw, sizeof raw);
    size = sizeof raw;
  }
  return begin_connect(to, size);
}

Connecting begin_connect(const sockaddr_storage& to, socklen_t size) {
  Connecting connecting;
  connecting.fd = Fd(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connecting.fd.valid() ||
      ::connect(connecting.fd.get(), reinterpret_cast<const sockaddr*>(&to), size) != 0) {
    connecting.error = errno;
  }
  return connecting;
}

int connect_error(const Fd& fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace tocsin::net
