#include "common/i18n/table.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::i18n {
namespace {

TEST(DisplayWidth, CountsCellsAndNotBytes) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("異常"), 4);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);  // e with a combining accent
  EXPECT_EQ(display_width("\x1b[2J"), 7);    // as its visible escape
}

TEST(Cut, EndsAtACellBorder) {
  EXPECT_EQ(cut("網路中斷", 8), "網路中斷");
  EXPECT_EQ(cut("網路中斷", 7), "網路..");
  EXPECT_EQ(cut("網路中斷", 6), "網路..");
  EXPECT_EQ(cut("網路中斷", 5), "網..");
  EXPECT_EQ(cut("abcdef", 2), "..");
  EXPECT_EQ(cut("abcdef", 0), "");
}

TEST(Cut, KeepsMarksWithTheirLetter) {
  EXPECT_EQ(cut("e\xCC\x81"
                "abcd",
                3),
            "e\xCC\x81..");
}

TEST(Fit, FillsToTheCell) {
  EXPECT_EQ(fit("異", 4), "異  ");
  EXPECT_EQ(fit("異常中", 5), "異.. ");
}

TEST(Wrap, BreaksAtSpacesAndBetweenWideCharacters) {
  EXPECT_EQ(wrap("one two three", 8), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("網路中斷", 5), (std::vector<std::string>{"網路", "中斷"}));
  EXPECT_EQ(wrap("abcdefgh", 3), (std::vector<std::string>{"abc", "def", "gh"}));
  EXPECT_EQ(wrap("網路，中斷", 5), (std::vector<std::string>{"網", "路，", "中斷"}));
  EXPECT_EQ(wrap("", 10), (std::vector<std::string>{""}));
}

TEST(Table, AlignsChineseAndEnglish) {
  Table table({"主機", "狀態", "N"});
  table.add({"tsm-bk02", "異常", "3"});
  table.add({"a", "?", ""});
  EXPECT_EQ(table.render(0),
            "主機      狀態  N\n"
            "tsm-bk02  異常  3\n"
            "a         ?\n");
}

TEST(Table, LeavesTheTitleLineOutWhereThereAreNoTitles) {
  Table table({"", ""});
  table.add({"a", "b"});
  EXPECT_EQ(table.render(0), "a  b\n");
}

TEST(Table, CutsTheWidestColumnFirst) {
  Table table({"A", "B"});
  table.add({"short", "a very long text that does not fit"});
  EXPECT_EQ(table.render(20),
            "A      B\n"
            "short  a very long..\n");
}

TEST(Table, SurvivesHostileNames) {
  Table table({"NAME", "X"});
  table.add({"\x1b[2J\n\r", "1"});
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "字";
  table.add({wide, "2"});
  const std::string out = table.render(80);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_NE(out.find("\\x1b[2J\\x0a\\x0d"), std::string::npos);
}

TEST(Table, NeverExceedsTheWidth) {
  EXPECT_TRUE(rc::check("lines fit", [](const std::vector<std::string>& cells) {
    const int width = *rc::gen::inRange(20, 120);
    Table table({"one", "two", "three"});
    for (const std::string& cell : cells) table.add({cell, cell, "x"});
    std::istringstream lines(table.render(width));
    for (std::string line; std::getline(lines, line);) RC_ASSERT(display_width(line) <= width);
  }));
}

}  // namespace
}  // namespace tocsin::i18n
