#include "agent/backup/comma_output.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows(std::string_view text) { return parse_comma_output(text, 100).rows; }

TEST(CommaOutput, FieldsStandBetweenCommasAndMayBeEmpty) {
  EXPECT_EQ(rows("a,b,c\nd,,\r\n\n,\n"), (Rows{{"a", "b", "c"}, {"d", "", ""}, {"", ""}}));
  EXPECT_EQ(rows("one"), (Rows{{"one"}}));
  EXPECT_EQ(rows("\n \n"), Rows{});
}

TEST(CommaOutput, AQuotedFieldKeepsCommasQuotesAndLineEnds) {
  EXPECT_EQ(rows("\"a,b\",\"say \"\"no\"\"\",c\n\"two\nlines\",x\n\"\",y"),
            (Rows{{"a,b", "say \"no\"", "c"}, {"two\nlines", "x"}, {"", "y"}}));
  EXPECT_EQ(rows("a \"b\" c,d"), (Rows{{"a \"b\" c", "d"}})) << "a quote within a field is text";
  EXPECT_EQ(rows("\"never ends, of course"), (Rows{{"never ends, of course"}}));
}

TEST(CommaOutput, MessagesAreNoRows) {
  const auto output = parse_comma_output(
      "ANR2034E SELECT: No match found using this criteria.\nANS8001I Return code 11.\n"
      "\"ANR2034E quoted\"\nANR9999D_12 no message\nANODE,1\nANS1017 x\n",
      100);
  EXPECT_EQ(output.messages,
            (std::vector<ToolMessage>{{"ANR2034E", "SELECT: No match found using this criteria."},
                                      {"ANS8001I", "Return code 11."},
                                      {"ANR2034E", "quoted"},
                                      {"ANR9999D", "12 no message"}}));
  EXPECT_EQ(output.rows, (Rows{{"ANODE", "1"}, {"ANS1017 x"}}));
}

TEST(CommaOutput, WhatIsOverTheLimitIsCounted) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "ANR0001I x\n1,2\n";
  const auto output = parse_comma_output(text, 10);
  EXPECT_EQ(output.rows.size(), 10U);
  EXPECT_EQ(output.messages.size(), 32U);
  EXPECT_EQ(output.over_limit, 40U + 18U);
}

// Whatever fields a server writes by the rules come back as they were.
RC_GTEST_PROP(CommaOutputProperty, WhatIsQuotedIsReadAsItWas, ()) {
  const auto alphabet = rc::gen::elementOf(std::string("ab,\"\n\r 1"));
  const auto row = *rc::gen::container<std::vector<std::string>>(
      *rc::gen::inRange<std::size_t>(1, 6), rc::gen::container<std::string>(alphabet));
  std::string text;
  for (const std::string& field : row) {
    if (!text.empty() || &field != &row.front()) text += ',';
    text += '"';
    for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    text += '"';
  }
  RC_ASSERT(rows(text + "\n") == Rows{row});
}

}  // namespace
}  // namespace tocsin::agent
