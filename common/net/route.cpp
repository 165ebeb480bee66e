#include "common/net/route.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "common/net/fd.hpp"

namespace tocsin::net {
namespace {

constexpr std::size_t kRouteBytes = 1 << 20;

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::optional<std::uint32_t> hex(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value, 16);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<IpAddress> parse_default_gateway(std::string_view text) {
  constexpr std::uint32_t kUpAndGateway = 0x3;
  take_line(text);  // The heading.
  while (!text.empty()) {
    std::string_view line = take_line(text);
    take_word(line);  // The interface.
    const auto destination = hex(take_word(line));
    const auto gateway = hex(take_word(line));
    const auto flags = hex(take_word(line));
    if (!destination || !gateway || !flags) continue;
    if (*destination != 0 || (*flags & kUpAndGateway) != kUpAndGateway) continue;
    // The kernel prints the value as it lies in memory, which is network byte order.
    IpAddress address;
    std::memcpy(address.bytes.data(), &*gateway, sizeof *gateway);
    return address;
  }
  return std::nullopt;
}

std::optional<IpAddress> default_gateway(const std::string& root) {
  const std::string path = (root == "/" ? std::string() : root) + "/proc/net/route";
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::string text;
  char piece[8192];
  while (text.size() < kRouteBytes) {
    const ssize_t n = ::read(file.get(), piece, sizeof piece);
    if (n <= 0) break;
    text.append(piece, static_cast<std::size_t>(n));
  }
  return parse_default_gateway(text);
}

}  // namespace tocsin::net
