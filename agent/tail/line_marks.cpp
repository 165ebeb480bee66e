#include "agent/tail/line_marks.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool can_be_mark(std::string_view line) { return line.size() <= kLongestMark && has_time(line); }

LineMark mark_of(std::string_view line) {
  return {static_cast<std::uint32_t>(line.size()), block_sum(line)};
}

// Its whole lines, without their ends.
std::vector<std::string_view> whole_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string text_of(const LineMark& mark) {
  return fmt::format("{}:{}", mark.bytes, to_hex({mark.sum.data(), mark.sum.size()}));
}

std::optional<LineMark> parse_mark(std::string_view text) {
  LineMark mark;
  std::string sum;
  if (!os::read_number(take_part(text, ':'), mark.bytes) || mark.bytes > kLongestMark ||
      !from_hex(text, sum) || sum.size() != mark.sum.size()) {
    return std::nullopt;
  }
  std::copy(sum.begin(), sum.end(), mark.sum.begin());
  return mark;
}

}  // namespace

bool has_time(std::string_view line) {
  for (std::size_t at = 0; at < line.size();) {
    if (!is_digit(line[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line.size() && is_digit(line[end])) ++end;
    const std::size_t digits = end - at;
    const bool alone =
        (at == 0 || !is_word(line[at - 1])) && (end == line.size() || !is_word(line[end]));
    if (alone && (digits == 10 || digits == 13 || digits == 14)) return true;
    const std::string_view clock = line.substr(at, 8);  // "20:07:45", also after the T of a date
    if (digits == 2 && clock.size() == 8 && clock[2] == ':' && is_digit(clock[3]) &&
        is_digit(clock[4]) && clock[5] == ':' && is_digit(clock[6]) && is_digit(clock[7])) {
      return true;
    }
    at = end;
  }
  return false;
}

std::string to_text(const LineMarks& marks) {
  std::string text = marks.first ? text_of(*marks.first) : "-";
  for (const LineMark& mark : marks.others) text += "," + text_of(mark);
  return text;
}

std::optional<LineMarks> parse_line_marks(std::string_view text) {
  LineMarks marks;
  const std::string_view first = take_part(text, ',');
  if (first != "-" && !(marks.first = parse_mark(first))) return std::nullopt;
  while (!text.empty()) {
    const auto mark = parse_mark(take_part(text, ','));
    if (!mark || marks.others.size() == kMostMarks) return std::nullopt;
    marks.others.push_back(*mark);
  }
  return marks;
}

LineMarks line_marks(std::string_view head, std::string_view end) {
  LineMarks marks;
  const std::string_view first = head.substr(0, std::min(head.find('\n'), head.size()));
  if (first.size() < head.size() && can_be_mark(first)) marks.first = mark_of(first);
  std::vector<std::string_view> lines = whole_lines(end);
  std::map<std::string_view, std::size_t> times;
  for (const std::string_view line : lines) ++times[line];
  // The file's first line, or a part of one.
  if (!lines.empty()) lines.erase(lines.begin());
  std::erase_if(lines,
                [&](std::string_view line) { return times[line] > 1 || !can_be_mark(line); });
  // Spread over all of them, with the last one.
  const std::size_t count = std::min(lines.size(), kMostMarks);
  for (std::size_t i = 1; i <= count; ++i) {
    marks.others.push_back(mark_of(lines[i * lines.size() / count - 1]));
  }
  return marks;
}

MarkFinder::MarkFinder(const LineMarks& marks)
    : marks_(marks), found_(marks.others.size(), false) {}

void MarkFinder::add(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    too_long_ = too_long_ || begun_.size() + part.size() > kLongestMark;
    if (end == piece.npos) {
      if (!too_long_) begun_ += part;
      return;
    }
    if (!too_long_) take(begun_.empty() ? part : std::string_view(begun_ += part));
    begun_.clear();
    too_long_ = false;
    piece.remove_prefix(end + 1);
  }
}

void MarkFinder::take(std::string_view line) {
  std::optional<BlockSum> sum;
  const auto is = [&](const LineMark& mark) {
    if (mark.bytes != line.size()) return false;
    if (!sum) sum = block_sum(line);
    return mark.sum == *sum;
  };
  if (!first_found_ && marks_.first) first_found_ = is(*marks_.first);
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (!found_[i]) found_[i] = is(marks_.others[i]);
  }
}

bool MarkFinder::all() const {
  return first_found_ == marks_.first.has_value() &&
         std::find(found_.begin(), found_.end(), false) == found_.end();
}

bool MarkFinder::some_of_the_old() const {
  const auto count = std::count(found_.begin(), found_.end(), true) + (first_found_ ? 1 : 0);
  if (count < 2) return false;
  const auto kept = std::find(found_.begin(), found_.end(), true);
  return first_found_ || std::find(kept, found_.end(), false) != found_.end();
}

}  // namespace tocsin::agent
