// The way out of this machine: its default gateway.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/net/ip.hpp"

namespace tocsin::net {

struct Gateway {
  IpAddress address;
  std::string interface;
  friend bool operator==(const Gateway&, const Gateway&) = default;
};

// The first default gateway in the text of /proc/net/route, and of /proc/net/ipv6_route. Pure.
std::optional<Gateway> parse_default_gateway(std::string_view text);
std::optional<Gateway> parse_default_gateway_v6(std::string_view text);
// That of this machine; `root` is where its files are.
std::optional<Gateway> default_gateway(const std::string& root, bool v6);

}  // namespace tocsin::net
