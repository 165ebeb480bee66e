#include "agent/os/socket_counts.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace tocsin::agent::os {
namespace {

constexpr std::size_t kTextBytes = 1024;  // the kernel's text has 250
constexpr char kUnknownForm[] = "sockstat is not of the form that the agent knows";

// "TCP: inuse 3 orphan 0 tw 5 alloc 4 mem 1": the number after ` word ` in the line of that name.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view name,
                                       std::string_view word) {
  while (!text.empty() && !text.starts_with(name)) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t at = line.find(word);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(at + word.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

Fd open_text(const char* path) {
  return Fd(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

// The kernel gives such a small text in one piece; it is made anew for each read from its start.
Result<std::string_view> text_of(const Fd& file, std::array<char, kTextBytes>& room) {
  const ssize_t n = ::pread(file.get(), room.data(), room.size(), 0);
  if (n < 0) return fail(system_error("read sockstat", errno));
  return std::string_view(room.data(), static_cast<std::size_t>(n));
}

}  // namespace

std::optional<SocketCounts> parse_socket_counts(std::string_view sockstat,
                                                std::string_view sockstat6) {
  const auto tcp = number_of(sockstat, "TCP:", " inuse ");
  const auto time_wait = number_of(sockstat, "TCP:", " tw ");
  if (!tcp || !time_wait) return std::nullopt;
  if (sockstat6.empty()) return SocketCounts{*tcp, 0, *time_wait};
  const auto tcp6 = number_of(sockstat6, "TCP6:", " inuse ");
  if (!tcp6) return std::nullopt;
  return SocketCounts{*tcp, *tcp6, *time_wait};
}

Result<SocketCounter> SocketCounter::open() {
  Fd v4 = open_text("/proc/thread-self/net/sockstat");
  if (!v4.valid()) return fail(system_error("open sockstat", errno));
  Fd v6 = open_text("/proc/thread-self/net/sockstat6");
  // Not to be seen is not the same as not there.
  if (!v6.valid() && errno != ENOENT) return fail(system_error("open sockstat6", errno));
  return SocketCounter(std::move(v4), std::move(v6));
}

bool SocketCounter::may_skip_v6(std::string_view sockstat) {
  const auto used = number_of(sockstat, "sockets:", " used ");
  unchanged_ = used && used == std::exchange(used_, used) ? unchanged_ + 1 : 0;
  return unchanged_ >= 2 && unchanged_ % 2 == 0;
}

Result<SocketCounts> SocketCounter::read() {
  std::array<char, kTextBytes> room4;
  std::array<char, kTextBytes> room6;
  const auto text4 = text_of(v4_, room4);
  if (!text4) return fail(text4.error());
  if (may_skip_v6(*text4)) {
    auto counts = parse_socket_counts(*text4, {});
    if (!counts) return fail(ErrorCode::invalid_argument, kUnknownForm);
    counts->tcp6 = tcp6_;
    return *counts;
  }
  Result<std::string_view> text6{std::string_view()};
  if (v6_.valid()) text6 = text_of(v6_, room6);
  if (!text6) return fail(text6.error());
  const auto counts = parse_socket_counts(*text4, *text6);
  if (!counts || (v6_.valid() && text6->empty())) {
    return fail(ErrorCode::invalid_argument, kUnknownForm);
  }
  tcp6_ = counts->tcp6;
  return *counts;
}

}  // namespace tocsin::agent::os
