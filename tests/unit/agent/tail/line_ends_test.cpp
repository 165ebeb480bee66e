#include "agent/tail/line_ends.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

std::string lines(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

std::vector<std::uint64_t> offsets(const LineEnds& ends) {
  std::vector<std::uint64_t> all;
  for (const LineEnd& end : ends.ends) all.push_back(end.offset);
  return all;
}

TEST(LineEnds, AreWhereLinesEndAndWhereTheReadingDoes) {
  EXPECT_EQ(offsets(line_ends(0, "one\ntwo\n", Instant{})), (std::vector<std::uint64_t>{4, 8}));
  EXPECT_EQ(offsets(line_ends(100, "one\ntw", Instant{})), (std::vector<std::uint64_t>{104, 106}));
  EXPECT_EQ(offsets(line_ends(0, "\n\n", Instant{})), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(offsets(line_ends(0, "one", Instant{})), (std::vector<std::uint64_t>{3}));
  EXPECT_TRUE(line_ends(0, "", Instant{}).ends.empty());
}

TEST(LineEnds, AreNoMoreThanACopyMayLack) {
  EXPECT_EQ(line_ends(0, lines(100), Instant{}).ends.size(), kEndLines + 1);
  const std::string lengthy = std::string(5000, 'x') + "\n";
  const LineEnds ends = line_ends(0, lengthy + lengthy + lengthy, Instant{});
  EXPECT_EQ(offsets(ends), (std::vector<std::uint64_t>{10'002, 15'003}));
}

TEST(LineEnds, TellACopyThatLacksTheLastLinesFromAnother) {
  const std::string text = lines(9);
  const LineEnds ends = line_ends(0, text, Instant{});
  EXPECT_EQ(ends_reached(ends, text), 9U);
  EXPECT_EQ(ends_reached(ends, lines(7)), 7U);
  EXPECT_EQ(ends_reached(ends, lines(7) + "line"), 7U);
  EXPECT_EQ(ends_reached(ends, ""), std::nullopt);
  EXPECT_EQ(ends_reached(ends, "line"), std::nullopt);
  std::string other = lines(7);
  other[20] = 'X';
  EXPECT_EQ(ends_reached(ends, other), std::nullopt);
  EXPECT_EQ(ends_reached(LineEnds{}, text), std::nullopt);
}

// A line that was begun before a copy was made, and ended after it, was there before it.
TEST(LineEnds, RememberWhenALineWasFirstSeen) {
  const LineEnds first = line_ends(0, "one\ntwo\nbeg", Instant{5});
  LineEnds second = line_ends(0, "one\ntwo\nbegun\nnew\n", Instant{9});
  keep_first_seen(second, first);
  ASSERT_EQ(second.ends.size(), 4U);
  EXPECT_EQ(second.ends[0].seen, Instant{5});
  EXPECT_EQ(second.ends[2].seen, Instant{5});
  EXPECT_EQ(second.ends[3].seen, Instant{9});
}

TEST(LineEnds, RefuseWhatTheyDidNotWrite) {
  const std::string good = to_text(line_ends(7, "one\ntwo\n", Instant{3}));
  ASSERT_TRUE(parse_line_ends(good));
  for (const std::string& bad : {std::string(), std::string("x"), "1" + good, good + ":1",
                                 good + good.substr(good.find(','))}) {
    EXPECT_EQ(parse_line_ends(bad), std::nullopt) << bad;
  }
  const std::string before_any_clock = good.substr(0, good.rfind(':')) + ":-1";
  EXPECT_EQ(parse_line_ends(before_any_clock), std::nullopt);
  EXPECT_EQ(parse_line_ends("0"), LineEnds{});
  std::string far = to_text(line_ends(0, std::string(kEndsCover, 'x'), Instant{}));
  EXPECT_TRUE(parse_line_ends(far));
  EXPECT_FALSE(parse_line_ends(far.replace(far.find(','), 2, ",9")));
}

// Whatever was read, however much of its end a copy lacks: what is reached is a line end within the
// copy, and what the copy lacks from there on is no more than it may.
RC_GTEST_PROP(LineEndsProperty, WhatIsReachedIsInTheCopy, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', '\n'));
  const auto from = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
  const LineEnds ends = line_ends(from, std::string_view(text).substr(from), Instant{1});
  RC_ASSERT(parse_line_ends(to_text(ends)) == ends);
  const auto size = *rc::gen::inRange<std::size_t>(from, text.size() + 1);
  const auto reached = ends_reached(ends, std::string_view(text).substr(from, size - from));
  if (!reached) {
    const bool none = ends.ends.empty() || size < ends.ends.front().offset;
    RC_ASSERT(none);
    return;
  }
  RC_ASSERT(*reached >= 1U);
  RC_ASSERT(*reached <= ends.ends.size());
  const std::uint64_t offset = ends.ends[*reached - 1].offset;
  RC_ASSERT(offset <= size);
  const bool at_end = offset == text.size() || text[offset - 1] == '\n';
  RC_ASSERT(at_end);
  RC_ASSERT(ends.ends.size() - *reached <= kEndLines);
  RC_ASSERT(text.size() - offset <= kEndBytes);
}

// Another byte anywhere before what is reached is seen.
RC_GTEST_PROP(LineEndsProperty, AnotherByteIsAnotherContent, ()) {
  const auto text =
      *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', '\n')));
  const LineEnds ends = line_ends(0, text, Instant{1});
  std::string copy = text;
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  copy[at] = 'X';
  RC_ASSERT(ends_reached(ends, copy) == std::nullopt);
}

}  // namespace
}  // namespace tocsin::agent
