// sd_notify's protocol (systemd documents it as stable and short enough to speak without its
// library): one datagram to the socket that NOTIFY_SOCKET names. libsystemd and the five libraries
// behind it would cost the process that needs nothing else of them a megabyte.
#include "common/systemd/notify.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/text.hpp"

namespace tocsin::systemd {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : value;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// That nobody listens is no error of ours, hence no result is looked at.
void notify(std::string_view state) {
  const std::string_view path = variable("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path.size() < 2 || path.size() >= sizeof address.sun_path) return;
  if (path.front() != '/' && path.front() != '@') return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract name
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  [[maybe_unused]] const ssize_t sent =
      ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length);
  ::close(socket);
}

}  // namespace

void notify_ready() { notify("READY=1"); }
void notify_stopping() { notify("STOPPING=1"); }
void notify_watchdog() { notify("WATCHDOG=1"); }

void notify_status(std::string_view text) { notify("STATUS=" + clean_text(text, 256)); }

Duration watchdog_interval() {
  const auto microseconds = number(variable("WATCHDOG_USEC"));
  if (!microseconds || *microseconds == 0) return Duration::zero();
  const std::string_view whose = variable("WATCHDOG_PID");
  if (!whose.empty() && number(whose) != static_cast<std::uint64_t>(::getpid())) {
    return Duration::zero();
  }
  return std::chrono::microseconds(*microseconds / 2);
}

}  // namespace tocsin::systemd
