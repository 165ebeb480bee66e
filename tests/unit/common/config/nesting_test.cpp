#include "common/config/nesting.hpp"

#include <string>

#include <gtest/gtest.h>

#include "common/config/document.hpp"

namespace tocsin::config {
namespace {

std::string dotted(std::size_t parts) {
  std::string key = "a";
  for (std::size_t i = 1; i < parts; ++i) key += ".a";
  return key;
}

TEST(Nesting, OrdinaryDocumentsPass) {
  EXPECT_FALSE(line_of_deep_key(""));
  EXPECT_FALSE(line_of_deep_key("[a.b.c]\nd.e = 1.5\nf = [1.5, 2.5, {g.h = 1}]\n"));
  EXPECT_FALSE(line_of_deep_key("# ................................\na = 1\n"));
  EXPECT_FALSE(line_of_deep_key("a = \"................................\"\n"));
  EXPECT_FALSE(line_of_deep_key("a = \"\\\"................................\"\n"));
  EXPECT_FALSE(line_of_deep_key("a = '................................'\n"));
  EXPECT_FALSE(line_of_deep_key("a = '''\n'................................\n'''\nb = 1\n"));
  EXPECT_FALSE(
      line_of_deep_key("a = [\"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\",\n"
                       "\"10.0.0.0/8\", \"10.0.0.0/8\", \"10.0.0.0/8\"]"));
}

TEST(Nesting, AKeyOfManyPartsIsFoundWhereverItHides) {
  const std::string deep = dotted(kDottedParts + 2);
  EXPECT_EQ(line_of_deep_key(deep + " = 1"), 1U);
  EXPECT_EQ(line_of_deep_key("x = 1\n[" + deep + "]"), 2U);
  EXPECT_EQ(line_of_deep_key("x = {" + deep + " = 1}"), 1U);
  EXPECT_EQ(line_of_deep_key("x = '\"'\n" + deep + " = 1"), 2U);
  EXPECT_EQ(line_of_deep_key("# \"\n" + deep + " = 1"), 2U);
  EXPECT_EQ(line_of_deep_key("x = {y = \"\"\"a\nb\"\"\", " + deep + " = 1}"), 2U);
  EXPECT_EQ(line_of_deep_key("x = {y = \"\"\"a\"\"\"\"\", " + deep + " = 1}"), 1U);
  std::string quoted_parts = "\"a\"";
  for (std::size_t i = 0; i <= kDottedParts; ++i) quoted_parts += ".\"a\"";
  EXPECT_EQ(line_of_deep_key(quoted_parts + " = 1"), 1U);
  EXPECT_FALSE(line_of_deep_key(dotted(kDottedParts) + " = 1"));
}

// Without the guard the library overflows the stack when it destroys the tables.
TEST(Nesting, AHundredThousandPartsAreRefusedAndNotACrash) {
  const auto document = Document::parse(dotted(200'000) + " = 1", "x.toml");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().message, "x.toml:1: a key of more than 16 parts");
}

TEST(Nesting, ValuesNestedDeeplyAreRefusedAndNotACrash) {
  const auto document = Document::parse("a = " + std::string(100'000, '['), "x.toml");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tocsin::config
