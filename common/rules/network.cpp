#include "common/rules/network.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include <arpa/inet.h>

namespace tocsin::rules {
namespace {

constexpr std::size_t kLongestText = 64;
constexpr int kMappedBits = 96;  // of ::ffff:0:0/96
constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool same_prefix(const Network& a, const Network& b, int bits) {
  for (int bit = 0; bit < bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((a.address[byte] & mask) != (b.address[byte] & mask)) return false;
  }
  return true;
}

// IPv4 that came in the clothes of IPv6.
Network unmapped(const Network& network) {
  if (!network.v6 || network.length < kMappedBits ||
      !std::equal(kMapped.begin(), kMapped.end(), network.address.begin())) {
    return network;
  }
  Network plain;
  std::copy_n(network.address.begin() + kMapped.size(), 4, plain.address.begin());
  plain.length = network.length - kMappedBits;
  return plain;
}

}  // namespace

std::optional<Network> parse_network(std::string_view text) {
  if (text.size() > kLongestText) return std::nullopt;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network network;
  network.v6 = address.find(':') != std::string::npos;
  if (inet_pton(network.v6 ? AF_INET6 : AF_INET, address.c_str(), network.address.data()) != 1) {
    return std::nullopt;
  }
  const int longest = network.v6 ? 128 : 32;
  network.length = longest;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), network.length);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (network.length < 0 || network.length > longest) return std::nullopt;
  }
  return unmapped(network);
}

bool contains(const Network& outer, const Network& inner) {
  return outer.v6 == inner.v6 && outer.length <= inner.length &&
         same_prefix(outer, inner, outer.length);
}

bool overlaps(const Network& a, const Network& b) {
  return a.v6 == b.v6 && same_prefix(a, b, std::min(a.length, b.length));
}

bool is_loopback(const Network& network) {
  static const Network kFour = *parse_network("127.0.0.0/8");
  static const Network kSix = *parse_network("::1/128");
  return contains(kFour, network) || contains(kSix, network);
}

}  // namespace tocsin::rules
