#include "agent/enroll/token_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

const std::string kPrint(64, 'a');

TEST(TokenLine, IsATokenAndAFingerprint) {
  const auto line = parse_token_line("deadbeef " + kPrint + "\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->token, "deadbeef");
  EXPECT_EQ(line->fingerprint, kPrint);
  EXPECT_EQ(parse_token_line("deadbeef\r\n")->fingerprint, "");
}

TEST(TokenLine, MaySayWhereToEnrol) {
  const auto line = parse_token_line("deadbeef " + kPrint + " collector:8445\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->fingerprint, kPrint);
  EXPECT_EQ(line->collector, "collector:8445");
  EXPECT_FALSE(parse_token_line("deadbeef " + kPrint + " collector"));
}

TEST(TokenLine, IsNothingElseAndTheErrorDoesNotQuoteIt) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("a\nb"), std::string("hunter2 x"),
        "hunter2  " + kPrint, "hunter2 " + kPrint + " more", std::string(129, 'x'),
        std::string(5000, 'x'), std::string("hunter2\x01")}) {
    const auto line = parse_token_line(text);
    ASSERT_FALSE(line) << text;
    EXPECT_THAT(line.error().message, testing::Not(testing::HasSubstr("hunter2")));
  }
}

TEST(Fingerprint, MayBeWrittenAsOpensslPrintsIt) {
  EXPECT_EQ(parse_fingerprint("AA:" + std::string(62, 'a')).value(), kPrint);
  EXPECT_FALSE(parse_fingerprint(""));
  EXPECT_FALSE(parse_fingerprint(std::string(63, 'a')));
  EXPECT_FALSE(parse_fingerprint(std::string(63, 'a') + "g"));
}

}  // namespace
}  // namespace tocsin::agent
