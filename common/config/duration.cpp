#include "common/config/duration.hpp"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace tocsin::config {
namespace {

struct Unit {
  std::string_view name;
  Duration length;
};
// Longest first, so that duration_text takes the first that divides.
constexpr std::array kUnits{Unit{"d", std::chrono::hours(24)}, Unit{"h", 1h}, Unit{"min", 1min},
                            Unit{"s", 1s}, Unit{"ms", 1ms}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (error == std::errc() && count >= 0 && text.front() != '-') {
    for (const Unit& known : kUnits) {
      if (unit != known.name) continue;
      if (count > std::numeric_limits<std::int64_t>::max() / known.length.count()) break;
      return known.length * count;
    }
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("\"{}\" is not a duration such as \"250ms\", \"30s\", \"10min\", \"24h\" "
                          "or \"7d\"",
                          clean_text(text, 64)));
}

std::string duration_text(Duration d) {
  if (d == Duration::zero()) return "0s";
  for (const Unit& unit : kUnits) {
    if (d % unit.length == Duration::zero()) {
      return fmt::format("{}{}", d / unit.length, unit.name);
    }
  }
  return fmt::format("{}ms", d / Duration(1ms));
}

}  // namespace tocsin::config
