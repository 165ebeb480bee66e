#include "common/time/civil.hpp"

#include <absl/time/time.h>
#include <fmt/format.h>

namespace tocsin::time {

bool zone_exists(std::string_view zone) {
  absl::TimeZone found;
  return absl::LoadTimeZone(std::string(zone), &found);
}

Result<Civil> civil(Instant t, std::string_view zone) {
  absl::TimeZone found;
  if (!absl::LoadTimeZone(std::string(zone), &found)) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("time zone '{}' is not known here; install tzdata or correct the name", zone));
  }
  const absl::CivilSecond s = absl::ToCivilSecond(absl::FromUnixNanos(t.ns), found);
  return Civil{static_cast<int>(s.year()), s.month(), s.day(), s.hour(), s.minute(), s.second()};
}

std::string local_text(Instant t, std::string_view zone) {
  const Result<Civil> found = civil(t, zone);
  const Civil c = found ? *found : civil(t, "UTC").value_or(Civil{});
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);
}

std::string rfc3339(Instant t) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixNanos(t.ns), absl::UTCTimeZone());
}

}  // namespace tocsin::time
