#include "agent/os/local_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace tocsin::agent::os {
namespace {

constexpr Duration kLook = 100ms;  // A stop is noticed at most this late.

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "not a socket's path: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

}  // namespace

Error socket_error(std::string_view what, int number) {
  if (number == EAGAIN || number == EWOULDBLOCK || number == EINPROGRESS) {
    return {ErrorCode::deadline_exceeded, std::string(what) + ": no answer in time"};
  }
  if (number == ECONNREFUSED || number == EPIPE || number == ECONNRESET) {
    return {ErrorCode::unavailable, std::string(what) + ": " + std::strerror(number)};
  }
  return system_error(what, number);
}

Result<Fd> connect_local_socket(const std::string& path, Duration limit) {
  const auto address = address_of(path);
  if (!address) return fail(address.error());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail(system_error("socket", errno));
  const auto microseconds = limit / 1us;  // 0: for ever
  const timeval wait{static_cast<time_t>(microseconds / 1'000'000),
                     static_cast<suseconds_t>(microseconds % 1'000'000)};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  const auto* to = reinterpret_cast<const sockaddr*>(&*address);
  if (::connect(socket.get(), to, sizeof *address) != 0) return fail(socket_error(path, errno));
  return socket;
}

Status send_to_local_socket(const std::string& path, std::string_view bytes) {
  const auto address = address_of(path);
  if (!address) return fail(address.error());
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return fail(system_error("socket", errno));
  const auto* to = reinterpret_cast<const sockaddr*>(&*address);
  if (::sendto(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, to, sizeof *address) >= 0) {
    return {};
  }
  if (errno != ECONNREFUSED && errno != EAGAIN) return fail(system_error(path, errno));
  return fail(ErrorCode::unavailable, path + ": nobody takes records");
}

Result<std::string> read_local_socket(const std::string& path, Duration limit, std::size_t most,
                                      const time::TimeSource& time, const std::stop_token& stop) {
  const auto socket = connect_local_socket(path, limit);
  if (!socket) return fail(socket.error());
  const MonoTime end = time.steady() + limit;
  std::string text;
  for (std::array<char, 1024> bytes;;) {
    const MonoTime now = time.steady();
    if (now >= end || stop.stop_requested()) {
      return fail(ErrorCode::deadline_exceeded, path + ": no answer in time");
    }
    pollfd wait{socket->get(), POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(std::min(end - now, kLook) / 1ms) + 1) <= 0) continue;
    const ssize_t count = ::recv(socket->get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail(system_error(path, errno));
    if (count == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(count));
    if (text.size() > most) return fail(ErrorCode::resource_exhausted, path + ": too long");
  }
}

}  // namespace tocsin::agent::os
