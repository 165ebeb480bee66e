// Instants as people of a site read them. Wraps absl's time zones; gaps and overlaps are absl's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::time {

// Year, month, day, hour, minute, second of `t` in `zone` (an IANA name).
struct Civil {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  friend bool operator==(const Civil&, const Civil&) = default;
};
Result<Civil> civil(Instant t, std::string_view zone);
bool zone_exists(std::string_view zone);

// "2026-11-23 00:20:08" in the zone; UTC where the zone is unknown.
std::string local_text(Instant t, std::string_view zone);
// "2026-11-22T16:20:08.123Z"
std::string rfc3339(Instant t);
// The same and what others write ("2026-11-23T09:03:57.77+08:00"); nothing where it is no such time
// or no Instant can say it.
std::optional<Instant> parse_rfc3339(std::string_view text);
// The year of the Republic of China calendar: 2026 is 115.
constexpr int roc_year(int year) { return year - 1911; }

}  // namespace tocsin::time
