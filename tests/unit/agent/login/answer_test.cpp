#include "agent/login/answer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using model::LoginOutcome;
using model::Tristate;

TEST(LoginAnswer, IsReadAsItWasWritten) {
  const LoginAnswer answer{LoginOutcome::session_failed,
                           "SSH-2.0-OpenSSH_9.2p1 Debian-2",
                           "10.0.0.5:41234",
                           "This account is currently not available.",
                           Tristate::no,
                           Tristate::yes};
  EXPECT_EQ(*parse_answer(to_text(answer)), answer);
  EXPECT_EQ(*parse_answer(to_text(LoginAnswer{})), LoginAnswer{});
}

TEST(LoginAnswer, CarriesWhyNothingWasTried) {
  const Error error{ErrorCode::permission_denied, "/etc/x: mode 0644\nchmod 600"};
  const auto read = parse_answer(to_text(error));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::permission_denied);
  EXPECT_EQ(read.error().message, "/etc/x: mode 0644\\x0achmod 600");
}

// What the other machine says cannot add a line of its own.
TEST(LoginAnswer, KeepsTheOtherSidesWordsInTheirLine) {
  LoginAnswer answer;
  answer.outcome = LoginOutcome::rejected;
  answer.banner = "SSH-2.0-x\noutcome succeeded";
  const auto read = parse_answer(to_text(answer));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->outcome, LoginOutcome::rejected);
  EXPECT_EQ(read->banner, "SSH-2.0-x\\x0aoutcome succeeded");
}

TEST(LoginAnswer, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(), std::string("outcome\n"), std::string("outcome succeeded"),
        std::string("outcome fine\n"), std::string("banner x\n"),
        std::string("outcome rejected\noutcome succeeded\n"), std::string(9000, 'x')}) {
    const auto read = parse_answer(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
  }
}

TEST(SshRequest, IsReadAsItWasWritten) {
  const SshRequest request{"bk02:22", "tocsin-probe", "ssh-ed25519 AAAA x", 9700ms,
                           "-----BEGIN\n\nkey\n"};
  const auto read = parse_ssh_request(to_text(request));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->address, "bk02:22");
  EXPECT_EQ(read->account, "tocsin-probe");
  EXPECT_EQ(read->host_key, "ssh-ed25519 AAAA x");
  EXPECT_EQ(read->limit, 9700ms);
  EXPECT_EQ(read->private_key, "-----BEGIN\n\nkey\n");
  EXPECT_FALSE(parse_ssh_request("address a:1\n\n"));
  EXPECT_FALSE(parse_ssh_request("limit_ms 10"));
}

TEST(LocalRequest, IsReadAsItWasWritten) {
  const auto read = parse_local_request(to_text(LocalRequest{"tocsin-probe", "/etc/a b"}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->account, "tocsin-probe");
  EXPECT_EQ(read->password_file, "/etc/a b");
}

RC_GTEST_PROP(LoginAnswerProperty, AnyWordsSurviveTheWayCleaned, ()) {
  LoginAnswer answer;
  answer.outcome = static_cast<LoginOutcome>(*rc::gen::inRange(1, 11));
  answer.said = *rc::gen::arbitrary<std::string>();
  answer.banner = *rc::gen::arbitrary<std::string>();
  const auto read = parse_answer(to_text(answer));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->outcome == answer.outcome);
  RC_ASSERT(to_text(*read) == to_text(answer));
}

}  // namespace
}  // namespace tocsin::agent
