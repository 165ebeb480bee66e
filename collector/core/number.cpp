#include "collector/core/number.hpp"

#include <fmt/format.h>

#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

// Digits that `{number:N}` asks for; 0 where the field is not a number.
int digits_of(std::string_view field) {
  if (field == "number") return 1;
  const bool one_digit =
      field.size() == 8 && field.starts_with("number:") && field[7] >= '1' && field[7] <= '9';
  return one_digit ? field[7] - '0' : 0;
}

}  // namespace

int site_year(Instant t, std::string_view zone) {
  const Result<time::Civil> local = time::civil(t, zone);
  return local ? local->year : time::civil(t, "UTC").value_or(time::Civil{}).year;
}

std::string official_number(std::string_view format, int year, std::uint64_t number) {
  std::string text;
  bool has_number = false;
  while (!format.empty()) {
    const std::size_t open = format.find('{');
    const std::size_t close = open == format.npos ? format.npos : format.find('}', open);
    if (close == format.npos) break;
    const std::string_view field = format.substr(open + 1, close - open - 1);
    text += format.substr(0, open);
    if (const int digits = digits_of(field); digits > 0) {
      text += fmt::format("{:0{}}", number, digits);
      has_number = true;
    } else if (field == "roc_year") {
      text += std::to_string(time::roc_year(year));
    } else if (field == "year") {
      text += std::to_string(year);
    } else {
      text += format.substr(open, close - open + 1);
    }
    format.remove_prefix(close + 1);
  }
  text += format;
  if (!has_number) text += fmt::format("-{}", number);
  return text;
}

}  // namespace tocsin::collector
