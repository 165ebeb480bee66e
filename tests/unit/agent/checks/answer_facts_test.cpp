#include "agent/checks/answer_facts.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

using model::AnswerOutcome;

TEST(AnswerUrl, NamesAServiceByAddress) {
  const auto http = parse_answer_url("http://10.0.0.7:8080/health");
  ASSERT_TRUE(http.has_value());
  EXPECT_EQ(http->scheme, AnswerScheme::http);
  EXPECT_EQ(net::to_string(http->address), "10.0.0.7");
  EXPECT_EQ(http->port, 8080);
  EXPECT_EQ(http->path, "/health");
  EXPECT_EQ(parse_answer_url("https://10.0.0.7")->port, 443);
  EXPECT_EQ(parse_answer_url("banner://[::1]:22")->scheme, AnswerScheme::banner);
}

TEST(AnswerUrl, RefusesNamesAndHalfAddresses) {
  for (const char* text :
       {"", "http://", "http://db1/", "tcp://10.0.0.7", "tcp://10.0.0.7:0", "tcp://10.0.0.7:99999",
        "tcp://10.0.0.7:80/x", "ftp://10.0.0.7:21", "tcp://::1:22", "http://10.0.0.7/a b",
        "http://[10.0.0.7]:80", "tcp://10.0.0.7:80x", "http://10.0.0.7/\r\nX: y"}) {
    EXPECT_FALSE(parse_answer_url(text).has_value()) << text;
  }
}

TEST(Answer, HttpIsKnownByItsFirstLine) {
  const auto fine =
      meaning_of_answer(AnswerScheme::http, "HTTP/1.1 200 OK\r\nServer: x\r\n", false);
  ASSERT_TRUE(fine.has_value());
  EXPECT_EQ(fine->outcome, AnswerOutcome::answered);
  EXPECT_EQ(fine->status, 200U);
  EXPECT_EQ(fine->line, "HTTP/1.1 200 OK");
  EXPECT_FALSE(meaning_of_answer(AnswerScheme::http, "HTTP/1.1 2", false).has_value());
  EXPECT_EQ(meaning_of_answer(AnswerScheme::http, "SSH-2.0-x\r\n", false)->outcome,
            AnswerOutcome::wrong_answer);
  EXPECT_EQ(meaning_of_answer(AnswerScheme::http, "", true)->outcome, AnswerOutcome::no_answer);
}

TEST(Answer, ABannerIsCleaned) {
  const auto said = meaning_of_answer(AnswerScheme::banner, "SSH-2.0-\x1b[31mx\r\nmore", false);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->outcome, AnswerOutcome::answered);
  EXPECT_EQ(said->line.find('\x1b'), std::string::npos);
}

// As OpenSSL 3.0 answered: the head of a ServerHello, and an alert.
TEST(Answer, TlsIsKnownByItsRecord) {
  using namespace std::string_literals;
  EXPECT_EQ(
      meaning_of_answer(AnswerScheme::tls, "\x16\x03\x03\x00\x7a\x02\x00\x00\x76"s, false)->outcome,
      AnswerOutcome::answered);
  EXPECT_EQ(meaning_of_answer(AnswerScheme::tls, "\x15\x03\x03\x00\x02\x02\x28"s, false)->outcome,
            AnswerOutcome::tls_failed);
  EXPECT_EQ(meaning_of_answer(AnswerScheme::tls, "HTTP/1.1 400 Bad", false)->outcome,
            AnswerOutcome::wrong_answer);
  EXPECT_FALSE(meaning_of_answer(AnswerScheme::tls, "\x16\x03"s, false).has_value());
}

TEST(Answer, AlwaysEndsWithTheConnection) {
  EXPECT_TRUE(rc::check("whatever came, the end of it has a meaning", [] {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    for (const auto scheme :
         {AnswerScheme::tcp, AnswerScheme::banner, AnswerScheme::http, AnswerScheme::tls}) {
      RC_ASSERT(meaning_of_answer(scheme, bytes, true).has_value());
    }
  }));
}

}  // namespace
}  // namespace tocsin::agent
