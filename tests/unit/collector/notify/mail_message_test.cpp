#include "collector/notify/mail_message.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace tocsin::collector {
namespace {

using ::testing::HasSubstr;

constexpr Instant kSunday{1'795'373'262'000'000'000};  // 2026-11-22T18:47:42Z

TEST(MailMessage, HasTheHeadersThatMakeItTheSameMailEachTime) {
  const OutgoingMessage message{"duty@example.tw", "[C] web1", "text\n", "tocsin.7.1.1"};
  const std::string mail = mail_message(message, "tocsin@idc.example.tw", kSunday);
  EXPECT_THAT(mail, HasSubstr("Date: Sun, 22 Nov 2026 18:47:42 +0000\r\n"));
  EXPECT_THAT(mail, HasSubstr("Message-ID: <tocsin.7.1.1@idc.example.tw>\r\n"));
  EXPECT_THAT(mail, HasSubstr("Subject: [C] web1\r\n"));
  EXPECT_THAT(mail, HasSubstr("\r\n\r\ndGV4dAo=\r\n"));
}

TEST(MailMessage, EncodesASubjectInWordsThatDoNotCutACharacter) {
  EXPECT_EQ(encoded_subject("異常"), "=?UTF-8?B?55Ww5bi4?=");
  std::string chinese;
  for (int i = 0; i < 40; ++i) chinese += "埠";
  const std::string encoded = encoded_subject(chinese);
  EXPECT_THAT(encoded, HasSubstr("\r\n =?UTF-8?B?"));
  // 45 bytes are 15 characters: every word but the last is full and ends with one.
  EXPECT_EQ(encoded.find("=?=\r\n"), encoded.npos);
}

TEST(MailMessage, ASubjectThatLooksEncodedIsShownAsItIsAndNotDecoded) {
  EXPECT_EQ(encoded_subject("=?UTF-8?B?DQpCY2M6IGE=?="),
            "=?UTF-8?B?PT9VVEYtOD9CP0RRcENZMk02SUdFPT89?=");
}

TEST(MailMessage, TakesAddressesAndNothingElse) {
  EXPECT_TRUE(is_mail_address("duty@example.tw"));
  for (const std::string bad :
       {"", "duty", "@x", "x@", "a b@x", "a@x>\r\nRCPT TO:<evil@x", "a@b@c", "值班@example.tw"}) {
    EXPECT_FALSE(is_mail_address(bad)) << bad;
  }
}

RC_GTEST_PROP(MailMessageProperty, NothingBreaksOutOfItsHeader, ()) {
  const auto subject = *rc::gen::string<std::string>();
  const auto text = *rc::gen::string<std::string>();
  const std::string mail = mail_message({"a@b", subject, text, "key"}, "c@d", Instant{0});
  const std::string head = mail.substr(0, mail.find("\r\n\r\n"));
  std::size_t headers = 1;
  for (std::size_t i = head.find("\r\n"); i != head.npos; i = head.find("\r\n", i + 2)) {
    if (head[i + 2] != ' ') ++headers;
  }
  RC_ASSERT(headers == 9U);
  std::size_t line = 0;
  for (const char c : mail) {
    line = c == '\n' ? 0 : line + 1;
    RC_ASSERT(line < 998U);
  }
}

}  // namespace
}  // namespace tocsin::collector
