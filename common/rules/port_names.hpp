// What a port is registered for: a hint for the person who judges (M-07), never a verdict.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/model/check.hpp"

namespace tocsin::rules {

// The registered name, or an empty view.
std::string_view port_name(model::Protocol protocol, std::uint16_t port);

}  // namespace tocsin::rules
