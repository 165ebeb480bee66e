#include "agent/tail/line_ends.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

// Of what lies before, and of the bytes that follow it.
BlockSum sum_after(const BlockSum& before, std::string_view bytes) {
  std::string both(before.data(), before.size());
  both.append(bytes);
  return block_sum(both);
}

std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::optional<LineEnd> parse_end(std::string_view text) {
  LineEnd end;
  std::string sum;
  if (!os::read_number(take_part(text, ':'), end.offset) || !from_hex(take_part(text, ':'), sum) ||
      sum.size() != end.sum.size() || !os::read_stamp(text, end.seen)) {
    return std::nullopt;
  }
  std::copy(sum.begin(), sum.end(), end.sum.begin());
  return end;
}

}  // namespace

std::string to_text(const LineEnds& ends) {
  std::string text = fmt::format("{}", ends.from);
  for (const LineEnd& end : ends.ends) {
    text +=
        fmt::format(",{}:{}:{}", end.offset, to_hex({end.sum.data(), end.sum.size()}), end.seen.ns);
  }
  return text;
}

std::optional<LineEnds> parse_line_ends(std::string_view text) {
  LineEnds ends;
  if (!os::read_number(take_part(text, ','), ends.from)) return std::nullopt;
  std::uint64_t last = ends.from;
  while (!text.empty()) {
    auto end = parse_end(take_part(text, ','));
    const bool good = end && end->offset > last && end->offset - ends.from <= kEndsCover &&
                      ends.ends.size() <= kEndLines;
    if (!good) return std::nullopt;
    last = end->offset;
    ends.ends.push_back(*end);
  }
  return ends;
}

LineEnds line_ends(std::uint64_t from, std::string_view bytes, Instant now) {
  LineEnds ends{from, {}};
  if (bytes.empty()) return ends;
  std::vector<std::size_t> lengths{bytes.size()};
  const std::size_t least = bytes.size() - std::min<std::size_t>(bytes.size(), kEndBytes);
  while (lengths.size() <= kEndLines && lengths.back() > 1) {
    const std::size_t at = bytes.rfind('\n', lengths.back() - 2);
    if (at == bytes.npos || at + 1 < least) break;
    lengths.push_back(at + 1);
  }
  std::size_t done = 0;
  BlockSum sum{};
  for (auto length = lengths.rbegin(); length != lengths.rend(); ++length) {
    sum = sum_after(sum, bytes.substr(done, *length - done));
    done = *length;
    ends.ends.push_back({from + done, sum, now});
  }
  return ends;
}

void keep_first_seen(LineEnds& ends, const LineEnds& before) {
  std::uint64_t begins = ends.from;
  for (LineEnd& end : ends.ends) {
    // What ended there then, or went on: something of this line was before it.
    const auto old = std::find_if(before.ends.begin(), before.ends.end(),
                                  [&](const LineEnd& b) { return b.offset > begins; });
    if (old != before.ends.end()) end.seen = std::min(end.seen, old->seen);
    begins = end.offset;
  }
}

std::optional<std::size_t> ends_reached(const LineEnds& ends, std::string_view bytes) {
  std::size_t done = 0;
  std::size_t reached = 0;
  BlockSum sum{};
  for (const LineEnd& end : ends.ends) {
    const std::uint64_t length = end.offset - ends.from;
    if (length > bytes.size()) break;
    sum = sum_after(sum, bytes.substr(done, static_cast<std::size_t>(length) - done));
    if (sum != end.sum) return std::nullopt;
    done = static_cast<std::size_t>(length);
    ++reached;
  }
  if (reached == 0) return std::nullopt;
  return reached;
}

}  // namespace tocsin::agent
