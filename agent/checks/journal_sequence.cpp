#include "agent/checks/journal_sequence.hpp"

#include <algorithm>

#include "agent/os/number.hpp"

namespace tocsin::agent {

std::optional<JournalPlace> parse_journal_cursor(std::string_view cursor) {
  JournalPlace place;
  while (!cursor.empty()) {
    const std::size_t end = cursor.find(';');
    const std::string_view part = cursor.substr(0, end);
    cursor.remove_prefix(end == std::string_view::npos ? cursor.size() : end + 1);
    if (part.starts_with("s=")) place.sequence_id = std::string(part.substr(2));
    if (part.starts_with("i=") && !os::read_number(part.substr(2), place.sequence, 16)) {
      return std::nullopt;
    }
  }
  if (place.sequence_id.empty() || place.sequence == 0) return std::nullopt;
  return place;
}

std::optional<Instant> journal_cursor_time(std::string_view cursor) {
  while (!cursor.empty()) {
    const std::size_t end = cursor.find(';');
    const std::string_view part = cursor.substr(0, end);
    cursor.remove_prefix(end == std::string_view::npos ? cursor.size() : end + 1);
    std::int64_t us = 0;
    if (!part.starts_with("t=")) continue;
    if (!os::read_number(part.substr(2), us, 16) || us < 0 || us > INT64_MAX / 1000) break;
    return Instant{us * 1000};
  }
  return std::nullopt;
}

NumberSkips::NumberSkips(std::string_view before) {
  if (auto place = parse_journal_cursor(before)) last_ = std::move(*place);
}

void NumberSkips::next(std::string_view cursor) {
  auto place = parse_journal_cursor(cursor);
  if (!place) return;
  const bool same = place->sequence_id == last_.sequence_id;
  if (!same) numbers_.clear();
  if (same && place->sequence > 1 && place->sequence - 2 == last_.sequence &&
      numbers_.size() < kMost) {
    numbers_.push_back(last_.sequence + 1);
  }
  last_ = std::move(*place);
}

std::uint64_t given_up(const NumberSkips& skips, const std::vector<os::JournalBounds>& files) {
  const auto any = [&](std::uint64_t os::JournalBounds::*end, std::uint64_t number) {
    return std::any_of(files.begin(), files.end(), [&](const os::JournalBounds& file) {
      return file.sequence_id == skips.sequence_id() && file.*end == number;
    });
  };
  return static_cast<std::uint64_t>(
      std::count_if(skips.numbers().begin(), skips.numbers().end(), [&](std::uint64_t number) {
        return any(&os::JournalBounds::last, number) && any(&os::JournalBounds::first, number + 1);
      }));
}

}  // namespace tocsin::agent
