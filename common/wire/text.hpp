// Bounds applied to what comes off the wire; private to common/wire.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/base/instant.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"

namespace tocsin::wire {

inline std::string name_text(std::string_view raw) { return clean_text(raw, limits::kName); }
inline std::string path_text(std::string_view raw) { return clean_text(raw, limits::kPath); }
inline std::string value_text(std::string_view raw) { return clean_text(raw, limits::kText); }

// A list that is longer than its limit is refused as a whole: cutting it would hide something.
inline Status check_count(std::string_view what, std::size_t count, std::size_t limit) {
  if (count <= limit) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {} items, at most {} are allowed", what, count, limit));
}

// A number that does not fit, or an enumerator of this version that does not exist.
inline auto out_of_range(std::string_view what, std::uint64_t value) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {} is out of range", what, value));
}

// A host's stamp may be anything. Within a century and a half of 1970 the difference of any two
// fits its type, and nothing that is true lies outside.
inline Instant host_instant(std::int64_t ns) {
  constexpr std::int64_t kFarthest = (std::int64_t{1} << 62) - 1;
  return {std::clamp(ns, -kFarthest, kFarthest)};
}

// Seconds from outside, at most a century of them.
inline Duration bounded_seconds(std::uint64_t seconds) {
  constexpr std::uint64_t kCentury = 100ULL * 366 * 24 * 3600;
  return std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, kCentury)));
}

inline Status check_enum(std::string_view what, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return out_of_range(what, static_cast<std::uint64_t>(value));
}

}  // namespace tocsin::wire

// Assigns the value of a Result expression to `target`, or leaves with its error.
#define TOCSIN_WIRE_SET(target, expression)                                            \
  do {                                                                                 \
    auto wire_set_result = (expression);                                               \
    if (!wire_set_result) return ::tl::unexpected(std::move(wire_set_result).error()); \
    (target) = *std::move(wire_set_result);                                            \
  } while (false)
