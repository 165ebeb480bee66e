// "host:port" and "[2001:db8::1]:port". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::config {

struct Endpoint {
  std::string host;  // name or address, an IPv6 one without brackets
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Errors: invalid_argument, with the text.
Result<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

}  // namespace tocsin::config
