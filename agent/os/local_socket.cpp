#include "agent/os/local_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/os/files.hpp"

namespace tocsin::agent::os {
namespace {

constexpr Duration kLook = 100ms;  // A stop is noticed at most this late.

Result<Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, "not a socket's path: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail(system_error("socket", errno));
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.get(), to, sizeof address) == 0) return socket;
  if (errno != ECONNREFUSED) return fail(system_error(path, errno));
  return fail(ErrorCode::unavailable, path + ": nobody listens");
}

}  // namespace

Result<std::string> read_local_socket(const std::string& path, Duration limit, std::size_t most,
                                      const time::TimeSource& time, const std::stop_token& stop) {
  const auto socket = connect_to(path);
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
