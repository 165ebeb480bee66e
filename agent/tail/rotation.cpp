#include "agent/tail/rotation.hpp"

#include <cstddef>

namespace tocsin::agent {
namespace {

// ".1", "-20261122", "-2026-11-22_03", "-20261122-1795316100"
bool is_rotation_mark(std::string_view text) {
  return (text[0] == '.' || text[0] == '-') && text[1] >= '0' && text[1] <= '9' &&
         text.find_first_not_of("0123456789-_", 1) == std::string_view::npos;
}

// A number of logrotate's has few digits; a date has eight or more.
bool is_number(std::string_view mark) {
  return mark.size() <= 6 && mark.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

RotatedName rotated_name(std::string_view name, std::string_view sibling) {
  RotatedName result;
  for (const std::string_view ending : {".gz", ".xz", ".zst", ".bz2"}) {
    if (!sibling.ends_with(ending)) continue;
    result.compressed = true;
    result.packing = sibling.substr(sibling.size() - ending.size());
    sibling.remove_suffix(ending.size());
    break;
  }
  // A number or a date stands after the name, or before its extension.
  const std::size_t dot = name.rfind('.');
  const bool has_extension = dot != std::string_view::npos && dot > 0;
  const auto stands_after = [&](std::string_view stem, std::string_view extension) {
    if (!sibling.starts_with(stem) || !sibling.ends_with(extension)) return false;
    if (sibling.size() < stem.size() + extension.size() + 2) return false;
    const std::size_t length = sibling.size() - stem.size() - extension.size();
    const std::string_view mark = sibling.substr(stem.size(), length);
    if (!is_rotation_mark(mark)) return false;
    result.mark = mark;
    return true;
  };
  result.older = stands_after(name, "") ||
                 (has_extension && stands_after(name.substr(0, dot), name.substr(dot)));
  return result;
}

bool is_older_mark(std::string_view a, std::string_view b) {
  const bool a_number = is_number(a);
  const bool b_number = is_number(b);
  if (a_number != b_number) return b_number;
  if (!a_number) return a < b;
  return a.size() != b.size() ? a.size() > b.size() : a > b;
}

}  // namespace tocsin::agent
