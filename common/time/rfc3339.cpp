#include <algorithm>
#include <charconv>
#include <chrono>

#include "common/time/civil.hpp"

namespace tocsin::time {
namespace {

bool take_digits(std::string_view& text, std::size_t digits, int& number) {
  const std::string_view part = text.substr(0, digits);
  const bool all = part.size() == digits && std::all_of(part.begin(), part.end(), [](char c) {
                     return c >= '0' && c <= '9';
                   });
  if (!all) return false;
  std::from_chars(part.data(), part.data() + digits, number);
  text.remove_prefix(digits);
  return true;
}

bool take_sign(std::string_view& text, char sign) {
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  return true;
}

// ".778209067" -> 778209067 ns
bool take_fraction(std::string_view& text, std::int64_t& ns) {
  if (!take_sign(text, '.')) return true;
  std::int64_t unit = 100'000'000;
  bool any = false;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    ns += (text.front() - '0') * unit;
    unit /= 10;
    any = true;
    text.remove_prefix(1);
  }
  return any;
}

bool take_zone(std::string_view& text, std::chrono::seconds& ahead) {
  if (take_sign(text, 'Z')) return text.empty();
  const bool behind = text.starts_with('-');
  if (!behind && !text.starts_with('+')) return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take_digits(text, 2, hours) || !take_sign(text, ':') || !take_digits(text, 2, minutes)) {
    return false;
  }
  ahead = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  if (behind) ahead = -ahead;
  return text.empty() && hours <= 15 && minutes <= 59;
}

}  // namespace

std::optional<Instant> parse_rfc3339(std::string_view text) {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const bool date = take_digits(text, 4, year) && take_sign(text, '-') &&
                    take_digits(text, 2, month) && take_sign(text, '-') &&
                    take_digits(text, 2, day) && take_sign(text, 'T');
  const bool clock = date && take_digits(text, 2, hour) && take_sign(text, ':') &&
                     take_digits(text, 2, minute) && take_sign(text, ':') &&
                     take_digits(text, 2, second);
  std::int64_t ns = 0;
  std::chrono::seconds ahead{};
  if (!clock || !take_fraction(text, ns) || !take_zone(text, ahead)) return std::nullopt;
  const std::chrono::year_month_day civil{std::chrono::year(year),
                                          std::chrono::month(static_cast<unsigned>(month)),
                                          std::chrono::day(static_cast<unsigned>(day))};
  if (!civil.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::seconds since = std::chrono::sys_days(civil).time_since_epoch() +
                                     std::chrono::hours(hour) + std::chrono::minutes(minute) +
                                     std::chrono::seconds(second) - ahead;
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(Duration::max());
  const bool over = since == kLast && Duration(ns) > Duration::max() - Duration(kLast);
  if (since < -kLast || since > kLast || over) return std::nullopt;
  return Instant{Duration(since).count() + ns};
}

}  // namespace tocsin::time
