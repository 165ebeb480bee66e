#include "common/base/text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin {
namespace {

TEST(CleanText, KeepsPlainAndChineseText) {
  EXPECT_EQ(clean_text("tsm-bk02 異常", 100), "tsm-bk02 異常");
}

TEST(CleanText, ShowsControlCharactersInsteadOfSendingThem) {
  EXPECT_EQ(clean_text("\x1b[2J\n\x7f", 100), "\\x1b[2J\\x0a\\x7f");
  EXPECT_EQ(clean_text("a\xE2\x80\xAE"
                       "b",
                       100),
            "a\\u202eb");
  EXPECT_EQ(clean_text("\xC2\x9B", 100), "\\x9b");
}

TEST(CleanText, ReplacesInvalidBytes) {
  EXPECT_EQ(clean_text("a\xFFz", 100), "a\xEF\xBF\xBDz");
  EXPECT_EQ(clean_text("\xC0\xAF", 100), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(CleanText, CutsAtACharacterBorder) {
  EXPECT_EQ(clean_text("異常", 5), "異");
  EXPECT_EQ(clean_text("異常", 2), "");
}

TEST(CleanText, NeverGivesControlBytesOrMoreThanTheLimit) {
  EXPECT_TRUE(rc::check("clean_text is bounded and printable", [](const std::string& raw) {
    const auto limit = *rc::gen::inRange<std::size_t>(0, 64);
    const std::string clean = clean_text(raw, limit);
    RC_ASSERT(clean.size() <= limit);
    for (const char c : clean) {
      RC_ASSERT(static_cast<unsigned char>(c) >= 0x20);
      RC_ASSERT(c != '\x7f');
    }
    RC_ASSERT(clean_text(clean, limit) == clean);  // Cleaning twice changes nothing.
  }));
}

TEST(Hex, GoesThereAndBack) {
  std::string bytes;
  EXPECT_TRUE(from_hex(to_hex(std::string_view("\x00\xff\x10", 3)), bytes));
  EXPECT_EQ(bytes, std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(from_hex("abc", bytes));
  EXPECT_FALSE(from_hex("zz", bytes));
}

}  // namespace
}  // namespace tocsin
