// A guard in front of the TOML library. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace tocsin::config {

inline constexpr std::size_t kDottedParts = 16;

// The line of the first key with more than kDottedParts dots, if there is one. toml++ 3.3 limits
// how deep values nest but not how many dots a key has: "a.a.a…" a hundred thousand times overflows
// the stack when the tables are destroyed. Reads strings and comments as TOML does, up to the first
// mistake, where the library stops as well.
std::optional<std::size_t> line_of_deep_key(std::string_view toml);

}  // namespace tocsin::config
