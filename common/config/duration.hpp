// Durations as people write them: "250ms", "30s", "10min", "24h", "7d". Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::config {

// A whole number and one unit (ms, s, min, h, d). Errors: invalid_argument.
Result<Duration> parse_duration(std::string_view text);
// The shortest text that parse_duration reads back as `d`. REQUIRES: d >= 0, whole milliseconds.
std::string duration_text(Duration d);

}  // namespace tocsin::config
