#include "common/config/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/severity.hpp"

namespace tocsin::config {
namespace {

using testing::ElementsAre;

struct Target {
  std::string name = "unset";
  int count = 7;
  Duration wait = 1s;
  bool on = false;
  std::vector<std::string> names;
  std::vector<int> parts;
};

// Reads `toml` into `target`; returns the mistakes.
std::string mistakes(std::string_view toml, Target& target) {
  auto document = Document::parse(toml, "x.toml");
  if (!document) return document.error().message;
  Table root = document->root();
  root.require({"name"});
  root.text("name", target.name, 8);
  root.number("count", target.count, 1, 10);
  root.duration("wait", target.wait, {1s, 1h});
  root.flag("on", target.on);
  root.texts("names", target.names, 2, 4);
  for (Table& part : root.tables("part", 2)) {
    part.number("n", target.parts.emplace_back(), 0, 9);
  }
  if (auto below = root.table("below")) below->text("name", target.name);
  const Status status = document->finish();
  return status ? "" : status.error().message;
}

std::string mistakes(std::string_view toml) {
  Target ignored;
  return mistakes(toml, ignored);
}

TEST(Document, ReadsEveryType) {
  Target target;
  EXPECT_EQ(mistakes("name = '網路'\ncount = 10\nwait = '2min'\non = true\nnames = ['a', 'b']\n"
                     "[[part]]\nn = 1\n[[part]]\nn = 2\n",
                     target),
            "");
  EXPECT_EQ(target.name, "網路");
  EXPECT_EQ(target.count, 10);
  EXPECT_EQ(target.wait, 2min);
  EXPECT_TRUE(target.on);
  EXPECT_THAT(target.names, ElementsAre("a", "b"));
  EXPECT_THAT(target.parts, ElementsAre(1, 2));
}

TEST(Document, LeavesDefaultsWhereAKeyIsAbsent) {
  Target target;
  EXPECT_EQ(mistakes("name = 'a'", target), "");
  EXPECT_EQ(target.count, 7);
  EXPECT_EQ(target.wait, 1s);
}

TEST(Document, ReportsEveryMistakeAtOnceInOrderWithItsPlace) {
  EXPECT_EQ(mistakes("count = 11\n"
                     "wait = 30\n"
                     "on = 'no'\n"
                     "nmae = 'a'\n"
                     "names = [1, 'abcde']\n"
                     "  xyzzy = 1\n"
                     "[below]\n"
                     "name = \"a\\u001b[2J\"\n"
                     "deep = {a = 1}\n"),
            "x.toml:1:1: \"name\" is missing\n"
            "x.toml:1:9: \"count\" is 11, not between 1 and 10\n"
            "x.toml:2:8: \"wait\" must be a duration in quotation marks such as \"30s\", not a "
            "number\n"
            "x.toml:3:6: \"on\" must be true or false, not a text\n"
            "x.toml:4:1: unknown key \"nmae\"; is \"name\" meant?\n"
            "x.toml:5:10: \"names\" must be a list of texts, not a number\n"
            "x.toml:5:13: an entry of \"names\" is longer than 4 bytes or contains control "
            "characters\n"
            "x.toml:6:3: unknown key \"xyzzy\"\n"
            "x.toml:8:8: \"name\" contains control characters\n"
            "x.toml:9:1: unknown key \"deep\"");
}

TEST(Document, RefusesBoundsAndWrongShapes) {
  EXPECT_EQ(mistakes("name = '123456789'"), "x.toml:1:8: \"name\" is longer than 8 bytes");
  EXPECT_EQ(mistakes("name = 'a'\nwait = '2h'"),
            "x.toml:2:8: \"wait\" is 2h, not between 1s and 1h");
  EXPECT_EQ(mistakes("name = 'a'\nnames = ['a', 'b', 'c']"),
            "x.toml:2:9: \"names\" has more than 2 entries");
  EXPECT_EQ(mistakes("name = 'a'\n[[part]]\n[[part]]\n[[part]]\n"),
            "x.toml:2:1: more than 2 of \"part\"");
  EXPECT_EQ(mistakes("name = 'a'\npart = 3"),
            "x.toml:2:8: \"part\" must be written as [[part]], "
            "not a number");
  EXPECT_EQ(mistakes("name = 'a'\nbelow = 1.5"),
            "x.toml:2:9: \"below\" must be a table, not a number with a decimal point");
}

TEST(Document, SaysWhereItIsNotToml) {
  EXPECT_THAT(mistakes("name = 'a'\nname = 'b'\n"), testing::StartsWith("x.toml:2:"));
  EXPECT_THAT(mistakes("name = \n"), testing::StartsWith("x.toml:1:"));
  EXPECT_THAT(mistakes("name = '\xff\xfe'"), testing::StartsWith("x.toml:1:"));
}

// The library asserts here.
TEST(Document, ThreeBracketsAreRefusedAndDoNotStopTheProcess) {
  EXPECT_EQ(mistakes("[[[a]]]"), "x.toml: not TOML (brackets or a key in a wrong place)");
}

// The library says that this cannot be reached.
TEST(Document, ALetterWhereASpaceMayStandIsNoSpace) {
  EXPECT_THAT(mistakes("\xc8\x8a"), testing::StartsWith("x.toml:1:"));
  EXPECT_THAT(mistakes("name = 'a' \xc3\xaa"), testing::StartsWith("x.toml:1:"));
  const auto joined = Document::parse("name = \"\"\"\\\n \xc3\xaa\"\"\"\n", "x.toml", 100);
  EXPECT_TRUE(joined.has_value()) << "a letter after a line that goes on";
}

TEST(Document, LargerThanItsLimitIsNotParsed) {
  const auto document = Document::parse("a = 1", "x.toml", 4);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().message, "x.toml: larger than 4 bytes");
}

TEST(Document, ManyMistakesAreCountedAndNotAllPrinted) {
  std::string text = "name = 'a'\n";
  for (int i = 0; i < 250; ++i) text += "zz" + std::to_string(i) + " = 1\n";
  const std::string printed = mistakes(text);
  EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 100);
  EXPECT_TRUE(printed.ends_with("\nx.toml: 150 more mistakes"));
}

TEST(Document, WordsMustBeOfTheirSet) {
  auto document = Document::parse("role = 'boss'\nroles = ['duty', 'chief']", "x.toml");
  ASSERT_TRUE(document);
  Table root = document->root();
  model::Role role{};
  std::vector<model::Role> roles;
  root.word("role", role, model::role_from, "duty, officer");
  root.words("roles", roles, model::role_from, "duty, officer");
  EXPECT_EQ(document->finish().error().message,
            "x.toml:1:8: \"boss\" is not one of duty, officer\n"
            "x.toml:2:9: \"chief\" is not one of duty, officer");
  EXPECT_THAT(roles, ElementsAre(model::Role::duty));
}

TEST(Document, PathsAreAbsolute) {
  auto document = Document::parse("a = 'x/y'\nb = '/x/y'", "x.toml");
  Table root = document->root();
  std::string a;
  std::string b;
  root.path("a", a);
  root.path("b", b);
  EXPECT_EQ(document->finish().error().message, "x.toml:1:5: \"a\" must be an absolute path");
  EXPECT_EQ(b, "/x/y");
}

}  // namespace
}  // namespace tocsin::config
