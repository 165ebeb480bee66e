// Networks as people write them ("10.1.0.0/16", "fe80::/10", "203.0.113.7"). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::rules {

struct Network {
  bool v6 = false;
  std::array<std::uint8_t, 16> address{};  // IPv4 in the first four
  int length = 0;                          // of the prefix, bits
};

// nullopt: not an address or prefix. An IPv4 address inside IPv6 ("::ffff:10.0.0.1") is IPv4. Bits
// behind the prefix are ignored.
std::optional<Network> parse_network(std::string_view text);

// Every address of `inner` is in `outer`.
bool contains(const Network& outer, const Network& inner);
// Some address is in both.
bool overlaps(const Network& a, const Network& b);
bool is_loopback(const Network& network);

}  // namespace tocsin::rules
