// The way out of this machine: its default gateway.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/net/ip.hpp"

namespace tocsin::net {

// The first default gateway in the text of /proc/net/route. Pure.
std::optional<IpAddress> parse_default_gateway(std::string_view text);
// That of this machine; `root` is where its files are.
std::optional<IpAddress> default_gateway(const std::string& root);

}  // namespace tocsin::net
