// IP addresses as bytes: reading, writing, and the two coarser views that facts use. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/check.hpp"

namespace tocsin::net {

// Network byte order. An IPv4 address uses the first four bytes; the others are zero. An IPv4
// address that travels inside IPv6 (::ffff:a.b.c.d) is kept as IPv4 by `unmapped`.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// A literal, never a name: "10.0.0.7", "fe80::1". Nothing where the text is not one.
std::optional<IpAddress> parse_ip(std::string_view text);
std::string to_string(const IpAddress& address);
IpAddress unmapped(const IpAddress& address);

model::AddressClass classify(const IpAddress& address);
// The /24 (IPv4) or /64 (IPv6) that contains it: "192.0.2.0/24", "2001:db8:1:2::/64".
std::string prefix_of(const IpAddress& address);

}  // namespace tocsin::net
