#include "common/i18n/table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include <utf8proc.h>

#include "common/base/result.hpp"
#include "common/base/text.hpp"

namespace tocsin::i18n {
namespace {

constexpr std::string_view kEllipsis = "..";
constexpr int kGap = 2;
constexpr int kNarrowest = 4;  // a column is not cut below this

std::string cleaned(std::string_view text) {
  return clean_text(text, std::numeric_limits<std::size_t>::max());
}

// The character at the start of cleaned text.
struct Character {
  std::size_t bytes = 0;
  int cells = 0;
};
Character first_character(std::string_view text) {
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &code);
  TOCSIN_CHECK(bytes > 0);  // cleaned text is valid UTF-8
  return {static_cast<std::size_t>(bytes), utf8proc_charwidth(code)};
}

int width_of_clean(std::string_view text) {
  int cells = 0;
  while (!text.empty()) {
    const Character next = first_character(text);
    cells += next.cells;
    text.remove_prefix(next.bytes);
  }
  return cells;
}

// The bytes of the longest beginning that takes at most `cells`; marks stay with their letter.
std::size_t beginning(std::string_view text, int cells) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character next = first_character(text.substr(bytes));
    if (next.cells > cells) break;
    cells -= next.cells;
    bytes += next.bytes;
  }
  return bytes;
}

// Marks that must not begin a line.
bool begins_with_closing_mark(std::string_view text) {
  constexpr std::array<std::string_view, 8> kMarks{"，", "。", "；", "：", "、", "）", "」", "？"};
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [&](std::string_view mark) { return text.starts_with(mark); });
}

// Where the last character before `bytes` begins.
std::size_t character_before(std::string_view text, std::size_t bytes) {
  do {
    --bytes;
  } while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80);
  return bytes;
}

// Where a line that may hold `bytes` bytes of `text` should end: after the last space, if one is
// there and what follows is a narrow word.
std::size_t break_at(std::string_view text, std::size_t bytes) {
  if (bytes == text.size() || text[bytes] == ' ') return bytes;
  if (begins_with_closing_mark(text.substr(bytes))) {
    const std::size_t before = character_before(text, bytes);
    return before == 0 ? bytes : before;
  }
  if (first_character(text.substr(bytes)).cells > 1) return bytes;
  const std::size_t space = text.substr(0, bytes).rfind(' ');
  return space == std::string_view::npos || space == 0 ? bytes : space;
}

}  // namespace

int display_width(std::string_view text) { return width_of_clean(cleaned(text)); }

std::string cut(std::string_view text, int cells) {
  TOCSIN_CHECK(cells >= 0);
  std::string clean = cleaned(text);
  if (width_of_clean(clean) <= cells) return clean;
  const int mark = static_cast<int>(kEllipsis.size());
  if (cells <= mark) return std::string(kEllipsis.substr(0, static_cast<std::size_t>(cells)));
  clean.resize(beginning(clean, cells - mark));
  return clean.append(kEllipsis);
}

std::string fit(std::string_view text, int cells) {
  std::string out = cut(text, cells);
  out.append(static_cast<std::size_t>(cells - width_of_clean(out)), ' ');
  return out;
}

std::vector<std::string> wrap(std::string_view text, int cells) {
  TOCSIN_CHECK(cells >= 2);
  const std::string clean = cleaned(text);
  std::string_view rest = clean;
  std::vector<std::string> lines;
  do {
    const std::size_t end = break_at(rest, beginning(rest, cells));
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
  } while (!rest.empty());
  return lines;
}

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}

void Table::add(std::vector<std::string> cells) {
  TOCSIN_CHECK(cells.size() == titles_.size());
  rows_.push_back(std::move(cells));
}

namespace {

std::vector<int> column_widths(const std::vector<const std::vector<std::string>*>& lines,
                               std::size_t columns, int width) {
  std::vector<int> widths(columns, 0);
  for (const std::vector<std::string>* line : lines) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], display_width((*line)[i]));
    }
  }
  if (width == 0 || columns == 0) return widths;
  const int gaps = kGap * (static_cast<int>(columns) - 1);
  int excess = std::accumulate(widths.begin(), widths.end(), gaps) - width;
  while (excess > 0) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowest) break;
    --*widest;
    --excess;
  }
  return widths;
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<int>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line.append(kGap, ' ');
    line += fit(cells[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string Table::render(int width) const {
  const bool titled = std::any_of(titles_.begin(), titles_.end(),
                                  [](const std::string& title) { return !title.empty(); });
  std::vector<const std::vector<std::string>*> lines;
  if (titled) lines.push_back(&titles_);
  for (const std::vector<std::string>& row : rows_) lines.push_back(&row);
  const std::vector<int> widths = column_widths(lines, titles_.size(), width);
  std::string out;
  for (const std::vector<std::string>* line : lines) out += line_of(*line, widths);
  return out;
}

}  // namespace tocsin::i18n
