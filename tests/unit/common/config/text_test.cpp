#include "common/config/text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/config/document.hpp"

namespace tocsin::config {
namespace {

TEST(Text, IsQuotedSoThatNothingEscapes) {
  EXPECT_EQ(toml_text("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000A\\u007F\"");
  const std::vector<std::string> list{"a", "網路"};
  EXPECT_EQ(toml_list(list), "[\"a\", \"網路\"]");
}

RC_GTEST_PROP(TextProperty, WhatIsQuotedReadsBack, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7E));
  auto document = Document::parse("a = " + toml_text(text), "x.toml");
  RC_ASSERT(document.has_value());
  std::string read;
  Table root = document->root();
  root.text("a", read, 1 << 20);
  RC_ASSERT(document->finish().has_value());
  RC_ASSERT(read == text);
}

}  // namespace
}  // namespace tocsin::config
