// Points in time. Both are integers of nanoseconds, so that arithmetic is exact and totally
// ordered.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace tocsin {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

// Nanoseconds since 1970-01-01 UTC: a wall clock's stamp, or the collector's journal time.
struct Instant {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.count()}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.count()}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return Duration(a.ns - b.ns); }
};

// Nanoseconds of a clock that never steps (CLOCK_BOOTTIME); only differences mean anything.
struct MonoTime {
  std::uint64_t ns = 0;
  friend constexpr auto operator<=>(const MonoTime&, const MonoTime&) = default;
  friend constexpr Duration operator-(MonoTime a, MonoTime b) {
    return Duration(static_cast<std::int64_t>(a.ns - b.ns));
  }
  friend constexpr MonoTime operator+(MonoTime t, Duration d) {
    return {t.ns + static_cast<std::uint64_t>(d.count())};
  }
};

}  // namespace tocsin
