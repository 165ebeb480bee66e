#include "common/catalogue/pattern.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::catalogue {
namespace {

bool fits(const std::string& pattern, const std::string& record) {
  const auto parsed = Pattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern;
  return parsed && parsed->fits(record);
}

TEST(Pattern, FindsItsPiecesInOrder) {
  EXPECT_TRUE(fits("Failed password for * from *", "Failed password for root from 10.0.0.1"));
  EXPECT_FALSE(fits("Failed password for * from", "from here: Failed password for root"));
  EXPECT_TRUE(fits("I/O error", "blk_update_request: I/O error, dev sda"));
  EXPECT_TRUE(fits("aa*ab", "aaab"));
  EXPECT_FALSE(fits("aa*aa", "aaa"));
}

TEST(Pattern, IsTiedToTheStart) {
  EXPECT_TRUE(fits("^fatal: *", "fatal: no"));
  EXPECT_FALSE(fits("^fatal: *", "not fatal: no"));
  EXPECT_TRUE(fits("^*NOT in sudoers", "user NOT in sudoers"));
}

TEST(Pattern, RefusesWhatFitsEverythingOrCannotBeRead) {
  for (const std::string& bad : {std::string(), std::string("*"), std::string("^**"),
                                 std::string("a\nb"), std::string(257, 'a')}) {
    EXPECT_FALSE(Pattern::parse(bad)) << bad;
  }
}

// The record that a backtracking matcher would need years for.
TEST(Pattern, NeverTriesAPieceTwice) {
  std::string pattern;
  for (int i = 0; i < 120; ++i) pattern += "a*";
  const auto parsed = Pattern::parse(pattern + "b");
  ASSERT_TRUE(parsed);
  const std::string record(16'384, 'a');
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(parsed->fits(record));
}

RC_GTEST_PROP(PatternProperty, FitsEveryRecordMadeFromIt, ()) {
  const auto pieces = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', 'b', ' ')))));
  std::string text;
  std::string record = *rc::gen::container<std::string>(rc::gen::element('a', 'b', 'x'));
  for (const std::string& piece : pieces) {
    if (text.size() + piece.size() > 200) break;
    text += piece + "*";
    record += piece + *rc::gen::container<std::string>(rc::gen::element('a', 'b', 'x'));
  }
  RC_PRE(!text.empty());
  RC_ASSERT(Pattern::parse(text)->fits(record));
}

}  // namespace
}  // namespace tocsin::catalogue
