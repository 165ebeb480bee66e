#include "agent/tail/position.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

TailPlace read_place(const std::string& content, std::uint64_t offset) {
  TailPlace place = place_at_start(8, 9, 7);
  const std::size_t last = std::min<std::size_t>(offset, kTailLastBytes);
  note_offset(place, offset, std::string_view(content).substr(0, kTailHeadBytes),
              std::string_view(content).substr(offset - last, last));
  return place;
}

TEST(TailPosition, ReadsBackWhatItWrote) {
  TailPosition position;
  position.newest_sibling = Instant{1'700'000'000'000'000'000};
  position.places = {read_place("first\n", 6), read_place("second\nthird\n", 7)};
  position.places[0].left = Instant{42};
  position.places[0].closed = true;
  position.places[1].skipping = true;
  position.places[0].copy = true;
  EXPECT_EQ(parse_tail_position(to_text(position)), position);
  EXPECT_EQ(parse_tail_position(to_text(TailPosition{})), TailPosition{});
}

TEST(TailPosition, KnowsWhetherThereWasALog) {
  TailPosition position;
  EXPECT_FALSE(had_log(position));
  position.places = {read_place("older\n", 6)};
  position.places[0].left = Instant{42};
  EXPECT_FALSE(had_log(position)) << "only an older part";
  position.places.push_back(read_place("", 0));
  EXPECT_TRUE(had_log(position));
}

TEST(TailPosition, RefusesWhatItDidNotWrite) {
  const std::string good = to_text(TailPosition{{read_place("first\n", 6)}, {}});
  for (const std::string& bad :
       {std::string(), std::string("tail2;0;\n"), good.substr(0, good.size() - 1), good + "1;2;\n",
        std::string("tail1;0;\n1;2;9;3;0;;0;;0;0;\n"),
        std::string("tail1;0;\n1;2;0;0;0;;0;;0;-1;\n"),
        std::string("tail1;0;\n1;2;0;0;0;;0;;4;0;\n")}) {
    EXPECT_EQ(parse_tail_position(bad), std::nullopt) << bad;
  }
}

TEST(TailPosition, KnowsItsFileByStartAndByWhatWasReadLast) {
  const std::string content = "one\ntwo\n";
  const TailPlace place = read_place(content, 8);
  EXPECT_TRUE(holds_what_was_read(place, 12, "one\ntwo\nmore", "one\ntwo\n"));
  EXPECT_FALSE(holds_what_was_read(place, 4, "one\n", ""));
  EXPECT_FALSE(holds_what_was_read(place, 12, "ONE\ntwo\nmore", "ONE\ntwo\n"));
  EXPECT_FALSE(holds_what_was_read(place, 12, "one\ntwo\nmore", "one\nTWO\n"));
}

RC_GTEST_PROP(TailPositionProperty, AnyTextIsReadOrRefused, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('t', 'a', 'i', 'l', '1', ';', '\n', '0', '9', '-'));
  if (const auto position = parse_tail_position("tail1;0;\n" + text)) {
    RC_ASSERT(parse_tail_position(to_text(*position)) == position);
  }
}

}  // namespace
}  // namespace tocsin::agent
