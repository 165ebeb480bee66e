// By which lines a log is known again in another file. A log that begins anew holds none of them;
// one that somebody wrote again without some records (`sed -i '/x/d'`) holds most, at other places
// than before (procedure M-05). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tail/prefix.hpp"

namespace tocsin::agent {

inline constexpr std::size_t kMostMarks = 16;
inline constexpr std::size_t kLongestMark = 4096;  // a longer line is none
// Has it a time in it, and comes therefore once? "20:07:45", or seconds or milliseconds since 1970,
// or "20261123200745". What a program writes at the start of every file has a version at most, and
// what the kernel says at each start the same addresses.
bool has_time(std::string_view line);

struct LineMark {
  std::uint32_t bytes = 0;
  BlockSum sum{};
  friend bool operator==(const LineMark&, const LineMark&) = default;
};
struct LineMarks {
  std::optional<LineMark> first;  // the file's first line
  std::vector<LineMark> others;   // in the order they stand there, the newest last
  bool empty() const { return !first && others.empty(); }
  friend bool operator==(const LineMarks&, const LineMarks&) = default;
};
// One line of text without its end; nothing where it is not one this version wrote.
std::string to_text(const LineMarks& marks);
std::optional<LineMarks> parse_line_marks(std::string_view text);

// `head`: how the file begins. `end`: its end, or all of it. Whole lines alone count, and such as
// stand in `end` once.
LineMarks line_marks(std::string_view head, std::string_view end);

// Looks for marks in a file that is given in pieces, from its start.
class MarkFinder {
 public:
  explicit MarkFinder(const LineMarks& marks);  // which outlive this
  void add(std::string_view piece);

  bool all() const;
  // At least two are there, and not just the newest: those alone may stay where a log is kept
  // short, and one line can come again in the same second, or be how each file of a program begins.
  bool some_of_the_old() const;

 private:
  void take(std::string_view line);

  const LineMarks& marks_;
  bool first_found_ = false;
  std::vector<bool> found_;
  std::string begun_;
  bool too_long_ = false;
};

}  // namespace tocsin::agent
