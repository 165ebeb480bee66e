// How far a copy of a log holds what was read of it. logrotate's copytruncate copies a log and cuts
// it afterwards: what is written in between is in no older part, though a look may have seen it
// (procedure M-05). The copy is known all the same: it is what was read, but for the last
// lines. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/tail/prefix.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

// A copy that lacks more than this is none.
inline constexpr std::size_t kEndLines = 32;
inline constexpr std::uint64_t kEndBytes = 8192;
inline constexpr std::uint64_t kEndsCover = 2 * kPrefixBlock;  // at most, from LineEnds::from on

struct LineEnd {
  std::uint64_t offset = 0;  // behind the line
  BlockSum sum{};            // of all between LineEnds::from and here
  Instant seen{};            // when a look first saw something of this line
  friend bool operator==(const LineEnd&, const LineEnd&) = default;
};

// Where the last lines end of what was read. Empty: nothing was read, or it is not known.
struct LineEnds {
  std::uint64_t from = 0;     // the sums begin here
  std::vector<LineEnd> ends;  // rising; the last is where what was read ends, be it within a line
  friend bool operator==(const LineEnds&, const LineEnds&) = default;
};
// One line of text without its end, and without ';'; nothing where it is not one this version
// wrote.
std::string to_text(const LineEnds& ends);
std::optional<LineEnds> parse_line_ends(std::string_view text);

// `bytes`: all from `from` to where what was read ends. `seen` of each is `now`. REQUIRES: at most
// kEndsCover bytes.
LineEnds line_ends(std::uint64_t from, std::string_view bytes, Instant now);
// Takes over when the lines were first seen by earlier looks at the same file.
void keep_first_seen(LineEnds& ends, const LineEnds& before);

// How many of the ends a copy reaches that is shorter than what was read. `bytes`: all of it from
// `ends.from` on. Nothing where it reaches none, or where it holds other bytes.
std::optional<std::size_t> ends_reached(const LineEnds& ends, std::string_view bytes);

}  // namespace tocsin::agent
