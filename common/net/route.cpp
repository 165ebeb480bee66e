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

constexpr std::uint32_t kUpAndGateway = 0x3;

// 32 digits.
std::optional<IpAddress> v6_address(std::string_view digits) {
  IpAddress address;
  address.v6 = true;
  if (digits.size() != 2 * address.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const auto byte = hex(digits.substr(2 * i, 2));
    if (!byte) return std::nullopt;
    address.bytes[i] = static_cast<std::uint8_t>(*byte);
  }
  return address;
}

}  // namespace

std::optional<Gateway> parse_default_gateway(std::string_view text) {
  take_line(text);  // The heading.
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view interface = take_word(line);
    const auto destination = hex(take_word(line));
    const auto gateway = hex(take_word(line));
    const auto flags = hex(take_word(line));
    if (!destination || !gateway || !flags) continue;
    if (*destination != 0 || (*flags & kUpAndGateway) != kUpAndGateway) continue;
    // The kernel prints the value as it lies in memory, which is network byte order.
    IpAddress address;
    std::memcpy(address.bytes.data(), &*gateway, sizeof *gateway);
    return Gateway{address, std::string(interface)};
  }
  return std::nullopt;
}

std::optional<Gateway> parse_default_gateway_v6(std::string_view text) {
  const IpAddress everywhere{{}, true};
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const auto destination = v6_address(take_word(line));
    const auto length = hex(take_word(line));
    for (int i = 0; i < 2; ++i) take_word(line);  // The source and its length.
    const auto gateway = v6_address(take_word(line));
    for (int i = 0; i < 3; ++i) take_word(line);  // Metric, references, uses.
    const auto flags = hex(take_word(line));
    const std::string_view interface = take_word(line);
    if (!destination || !length || !gateway || !flags) continue;
    if (*destination != everywhere || *length != 0 || *gateway == everywhere) continue;
    if ((*flags & kUpAndGateway) != kUpAndGateway) continue;
    return Gateway{*gateway, std::string(interface)};
  }
  return std::nullopt;
}

std::optional<Gateway> default_gateway(const std::string& root, bool v6) {
  // Not /proc/net, which a unit with ProcSubset=pid does not have.
  const std::string path = (root == "/" ? std::string() : root) +
                           (v6 ? "/proc/self/net/ipv6_route" : "/proc/self/net/route");
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::string text;
  char piece[8192];
  while (text.size() < kRouteBytes) {
    const ssize_t n = ::read(file.get(), piece, sizeof piece);
    if (n <= 0) break;
    text.append(piece, static_cast<std::size_t>(n));
  }
  return v6 ? parse_default_gateway_v6(text) : parse_default_gateway(text);
}

}  // namespace tocsin::net
