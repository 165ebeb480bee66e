// Aligned text tables for terminals and logs: columns measured in display cells (a Chinese
// character takes two), cut with ".." at a cell border, nothing in a cell can move the cursor.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::i18n {

// Cells that a terminal uses for `text`; control characters count as their visible escapes.
int display_width(std::string_view text);

// At most `cells` wide, cleaned of control characters; what is cut ends in "..". REQUIRES: cells >=
// 0.
std::string cut(std::string_view text, int cells);

// `text` cut or filled with spaces to exactly `cells`.
std::string fit(std::string_view text, int cells);

// Lines of at most `cells` each, broken at spaces where there are any and between wide characters;
// never empty. REQUIRES: cells >= 2.
std::vector<std::string> wrap(std::string_view text, int cells);

class Table {
 public:
  // An empty title everywhere: no title line.
  explicit Table(std::vector<std::string> titles);
  // REQUIRES: as many cells as titles.
  void add(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }
  // One line a row, each ending in '\n', two spaces between columns, no spaces at a line's end. The
  // widest columns are cut first until a line fits in `width` cells (0: no limit).
  std::string render(int width) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tocsin::i18n
