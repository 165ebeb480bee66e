#include "agent/tail/line_marks.hpp"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

std::string line(int number) { return fmt::format("Nov 23 20:07:45 host app: {}\n", number); }

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += line(i);
  return text;
}

struct Found {
  bool all;
  bool some_of_the_old;
  friend bool operator==(const Found&, const Found&) = default;
};
std::ostream& operator<<(std::ostream& out, const Found& found) {
  return out << found.all << found.some_of_the_old;
}

Found found(const LineMarks& marks, std::string_view text, std::size_t piece = 7) {
  MarkFinder finder(marks);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    finder.add(text.substr(0, piece));
  }
  return {finder.all(), finder.some_of_the_old()};
}

constexpr Found kAll{true, true};
constexpr Found kPart{false, true};
constexpr Found kNone{false, false};

TEST(LineMarks, AreFoundInTheSameLogAndNotInOneThatBeginsAnew) {
  const std::string log = lines(0, 100);
  const LineMarks marks = line_marks(log, log);
  EXPECT_EQ(marks.others.size(), kMostMarks);
  EXPECT_EQ(found(marks, log), kAll);
  EXPECT_EQ(found(marks, log + lines(100, 120)), kAll);
  EXPECT_EQ(found(marks, lines(100, 120)), kNone);
  EXPECT_EQ(found(marks, ""), kNone);
  EXPECT_EQ(parse_line_marks(to_text(marks)), marks);
}

TEST(LineMarks, TellALogWithoutSomeOfItsLines) {
  const std::string log = lines(0, 100);
  const LineMarks marks = line_marks(log, log);
  EXPECT_EQ(found(marks, lines(0, 50) + lines(60, 100)), kPart);
  EXPECT_EQ(found(marks, lines(0, 7)), kPart);
  EXPECT_EQ(found(marks, lines(0, 1)), kNone) << "a line alone may be how each file begins";
  EXPECT_EQ(found(marks, lines(1, 50)), kPart);
}

// Kept short by taking away its oldest lines, or a line of the same second that came again.
TEST(LineMarks, TheNewestAloneAreNoPart) {
  const std::string log = lines(0, 100);
  const LineMarks marks = line_marks(log, log);
  EXPECT_EQ(found(marks, lines(40, 100)), kNone);
  EXPECT_EQ(found(marks, lines(99, 120)), kNone);
}

TEST(LineMarks, OfALongLogTheFirstLineAndItsEndAreKnown) {
  const std::string log = lines(0, 10'000);
  const LineMarks marks =
      line_marks(std::string_view(log).substr(0, 4096), std::string_view(log).substr(200'005));
  EXPECT_EQ(found(marks, log, 4096), kAll);
  EXPECT_EQ(found(marks, lines(0, 9000) + lines(10'000, 10'010), 4096), kPart);
  EXPECT_EQ(found(marks, lines(10'000, 10'100), 4096), kNone);
}

// What programs write at the start of every file, and what they write over and over.
TEST(LineMarks, LinesThatAreNoRecordOfATimeAreNone) {
  const std::string header = "#Software: Server 10.0\n#Fields: date time\nstarted\n";
  EXPECT_TRUE(line_marks(header, header).empty());
  const std::string same = "a line 1234567\na line 1234567\n";
  EXPECT_TRUE(line_marks("", same).empty());
  EXPECT_TRUE(line_marks("12345678", "12345678").empty()) << "a line without its end";
  const std::string database = "mysqld, Version: 8.0.36-0ubuntu0.22.04.1 (Ubuntu) port 3306\n";
  EXPECT_TRUE(line_marks(database, database).empty());
  const std::string kernel =
      "[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff]\n";
  EXPECT_TRUE(line_marks(kernel, kernel).empty());
  const std::string longest = "20:07:45 " + std::string(kLongestMark - 9, 'x') + "\n";
  EXPECT_EQ(line_marks(longest, longest).others.size(), 0U);
  EXPECT_TRUE(line_marks(longest, longest).first);
  EXPECT_TRUE(line_marks("1" + longest, "1" + longest).empty());
}

TEST(LineMarks, HaveATime) {
  for (const char* line : {"Nov 23 20:07:45 host", "2026-11-23T20:07:45.123+08:00 x",
                           "type=A msg=audit(1700000005.001:200): x", "20261123200745 x"}) {
    EXPECT_TRUE(has_time(line)) << line;
  }
  for (const char* line : {"", "12:34", "10.77.0.11 10.77.0.12 22 4022", "0x1700000005", "1:2:3"}) {
    EXPECT_FALSE(has_time(line)) << line;
  }
}

RC_GTEST_PROP(LineMarksProperty, ReadBackWhatTheyWrote, (const std::string& end)) {
  const LineMarks marks = line_marks(lines(0, 1), lines(0, 3) + end + lines(4, 6));
  RC_ASSERT(parse_line_marks(to_text(marks)) == marks);
}

// However a log is written again without one of its records: it is never taken for whole.
RC_GTEST_PROP(LineMarksProperty, NoLineButTheFirstOnesCanBeTakenOutUnseen, ()) {
  const int count = *rc::gen::inRange(3, static_cast<int>(kMostMarks));
  const int out = *rc::gen::inRange(1, count);
  const LineMarks marks = line_marks(lines(0, count), lines(0, count));
  RC_ASSERT(found(marks, lines(0, out) + lines(out + 1, count + 3)) == kPart);
}

TEST(LineMarks, RefuseATextThatIsNone) {
  for (const char* text :
       {"", "x", "1:00", "-,", "-,5:zz", "9999:00112233445566778899aabbccddeeff"}) {
    const auto marks = parse_line_marks(text);
    EXPECT_TRUE(!marks || marks->empty()) << text;
  }
}

}  // namespace
}  // namespace tocsin::agent
