#include "collector/enroll/enrollment.hpp"

#include <gtest/gtest.h>

#include "common/wire/wire.hpp"
#include "tests/support/fake_collector.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::collector {
namespace {

class EnrollmentTest : public testing::Test {
 protected:
  Enrollment::Parts parts() {
    return {{site_.authority(), site_.authority().certificate_pem},
            fake_.intake,
            fake_.judge,
            fake_.state,
            fake_.clock,
            [this](std::string_view token, std::string_view host, const AgentId& agent) {
              return take_(token, host, agent);
            },
            [this](std::string_view) {
              ++spent_;
              return Status{};
            },
            limits_};
  }
  Result<IssuedCertificate> enroll(Enrollment& enrollment, std::string_view token = "good") {
    return enrollment.enroll("10.0.0.7", token, request_, "tsm-bk02");
  }

  tests::FakeCollector fake_;
  const tests::TestAuthority site_{tests::kNow};
  const std::string key_ = crypto::make_key_pem().value();
  const std::string request_ = crypto::make_signing_request(key_, "hint").value();
  const AgentId agent_ = crypto::agent_id_of_key(key_).value();
  int taken_ = 0;
  int spent_ = 0;
  std::function<Result<TokenGrant>(std::string_view, std::string_view, const AgentId&)> take_ =
      [this](std::string_view token, std::string_view, const AgentId&) -> Result<TokenGrant> {
    ++taken_;
    if (token != "good") return fail(ErrorCode::unauthenticated, "no such token");
    return TokenGrant{"t-1", {"root", model::Role::admin, "f2"}};
  };
  PeerLimits limits_;
};

TEST_F(EnrollmentTest, AGoodTokenGetsACertificateForTheKeyOfTheRequest) {
  Enrollment enrollment(parts());
  const auto issued = enroll(enrollment);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(issued->agent, agent_);
  EXPECT_EQ(issued->authorities_pem, site_.authority().certificate_pem);
  EXPECT_EQ(issued->not_after, tests::kNow + kAgentCertificateLife);
  EXPECT_TRUE(
      crypto::verify_certificate(issued->certificate_pem, issued->authorities_pem, tests::kNow));
  const auto info = crypto::read_certificate(issued->certificate_pem);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->identity.kind, crypto::Identity::Kind::agent);
  EXPECT_EQ(info->identity.agent, agent_);
}

TEST_F(EnrollmentTest, TheAdmissionIsJournaledWithWhoMadeTheToken) {
  Enrollment enrollment(parts());
  ASSERT_TRUE(enroll(enrollment));
  ASSERT_EQ(fake_.intake.entries.size(), 1U);
  const auto& command = std::get<model::Command>(fake_.intake.entries[0]);
  EXPECT_EQ(command.principal.name, "root");
  const auto& act = std::get<model::AdmitAgent>(command.act);
  EXPECT_EQ(act.agent, agent_);
  EXPECT_EQ(act.host_name, "tsm-bk02");
  EXPECT_EQ(act.token_id, "t-1");
  EXPECT_EQ(wire::decode_journal(fake_.intake.bytes[0]), model::JournalBody{command});
}

TEST_F(EnrollmentTest, NothingIsHandedOutBeforeTheAdmissionIsJudged) {
  Enrollment enrollment(parts());
  fake_.intake.judging = false;
  EXPECT_EQ(enroll(enrollment).error().code, ErrorCode::unavailable);
  EXPECT_EQ(spent_, 0) << "the same key may try again";
  fake_.intake.judging = true;
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.outcome = model::CommandOutcome::refused;
    return result;
  };
  EXPECT_EQ(enroll(enrollment).error().code, ErrorCode::permission_denied);
  fake_.intake.full = Error{ErrorCode::resource_exhausted, "disk full"};
  EXPECT_EQ(enroll(enrollment).error().code, ErrorCode::resource_exhausted);
}

TEST_F(EnrollmentTest, ATokenIsSpentByTheAdmission) {
  Enrollment enrollment(parts());
  ASSERT_TRUE(enroll(enrollment));
  EXPECT_EQ(taken_, 1);
  EXPECT_EQ(spent_, 1);
}

TEST_F(EnrollmentTest, ARevokedKeyIsToldSoAndUsesNoToken) {
  Enrollment enrollment(parts());
  fake_.judge.admissions[agent_.hex] = {true, true, "tsm-bk02"};
  const Error refused = enroll(enrollment).error();
  EXPECT_EQ(refused.code, ErrorCode::permission_denied);
  EXPECT_NE(refused.message.find("--new-key"), std::string::npos);
  EXPECT_EQ(taken_, 0);
}

TEST_F(EnrollmentTest, ANameOfAnotherKeyIsSaidAndTheTokenIsKept) {
  Enrollment enrollment(parts());
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.outcome = model::CommandOutcome::refused;
    result.detail = {"command.host_name_taken", {{"host", "tsm-bk02"}}};
    return result;
  };
  const Error refused = enroll(enrollment).error();
  EXPECT_EQ(refused.code, ErrorCode::permission_denied);
  EXPECT_NE(refused.message.find("--replace"), std::string::npos);
  EXPECT_EQ(spent_, 0);
}

TEST_F(EnrollmentTest, WhateverIsWrongWithATokenTheAnswerIsTheSame) {
  Enrollment enrollment(parts());
  std::vector<Error> answers;
  for (const std::string reason : {"expired at 10:00", "used by host 7", "unknown"}) {
    take_ = [reason](std::string_view, std::string_view, const AgentId&) -> Result<TokenGrant> {
      return fail(ErrorCode::unauthenticated, reason);
    };
    answers.push_back(enroll(enrollment).error());
  }
  answers.push_back(enroll(enrollment, "").error());
  answers.push_back(enroll(enrollment, std::string(129, 'x')).error());
  for (const Error& answer : answers) {
    EXPECT_EQ(answer.code, ErrorCode::unauthenticated);
    EXPECT_EQ(answer.message, answers.front().message);
  }
  EXPECT_TRUE(fake_.intake.entries.empty());
}

TEST_F(EnrollmentTest, AStoreThatCannotAnswerIsNotABadToken) {
  Enrollment enrollment(parts());
  for (const ErrorCode code :
       {ErrorCode::internal, ErrorCode::permission_denied, ErrorCode::data_loss}) {
    take_ = [code](std::string_view, std::string_view, const AgentId&) -> Result<TokenGrant> {
      return fail(code, "open /var/lib/tocsin/tokens: Permission denied");
    };
    const Error answer = enroll(enrollment).error();
    EXPECT_EQ(answer.code, ErrorCode::unavailable);
    EXPECT_EQ(answer.message.find("/var"), std::string::npos);
  }
}

TEST_F(EnrollmentTest, AMalformedRequestDoesNotUseUpTheToken) {
  Enrollment enrollment(parts());
  for (const std::string& request : {std::string(), std::string("garbage"), std::string(9000, 'x'),
                                     request_.substr(0, request_.size() - 1)}) {
    EXPECT_EQ(enrollment.enroll("10.0.0.7", "good", request, "tsm-bk02").error().code,
              ErrorCode::invalid_argument);
  }
  for (const std::string& name : {std::string(), std::string("a b"), std::string("\x1b[2J"),
                                  std::string("../x"), std::string(254, 'a')}) {
    EXPECT_EQ(enrollment.enroll("10.0.0.8", "good", request_, name).error().code,
              ErrorCode::invalid_argument);
  }
  EXPECT_EQ(taken_, 0);
}

TEST_F(EnrollmentTest, TriesAreLimitedPerAddress) {
  limits_.per_peer = 3;
  Enrollment enrollment(parts());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(enroll(enrollment, "bad").error().code, ErrorCode::unauthenticated);
  }
  EXPECT_EQ(enroll(enrollment).error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(enrollment.refused_for_rate(), 1U);
  EXPECT_EQ(enrollment.refused_tokens(), 3U);
  EXPECT_TRUE(enrollment.enroll("10.0.0.8", "good", request_, "tsm-bk02"));
  fake_.clock.advance(61s);
  EXPECT_TRUE(enroll(enrollment));
}

TEST_F(EnrollmentTest, ARenewalKeepsTheKeyAndNeedsAnAdmittedAgent) {
  const Renewer renew = make_renewer({site_.authority(), site_.authority().certificate_pem},
                                     fake_.judge, fake_.clock);
  EXPECT_EQ(renew(agent_, request_).error().code, ErrorCode::permission_denied);  // unknown
  fake_.judge.admissions[agent_.hex] = {true, false, "tsm-bk02"};
  fake_.clock.advance(24h);
  const auto issued = renew(agent_, request_);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(issued->not_after, tests::kNow + 24h + kAgentCertificateLife);
  EXPECT_EQ(renew(tests::an_agent('a'), request_).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(renew(agent_, "garbage").error().code, ErrorCode::invalid_argument);
  fake_.judge.admissions[agent_.hex].revoked = true;
  EXPECT_EQ(renew(agent_, request_).error().code, ErrorCode::permission_denied);
}

TEST_F(EnrollmentTest, NoCertificateOutlivesTheAuthority) {
  const Renewer renew = make_renewer({site_.authority(), site_.authority().certificate_pem},
                                     fake_.judge, fake_.clock);
  fake_.judge.admissions[agent_.hex] = {true, false, "tsm-bk02"};
  fake_.clock.advance(24h * 350);
  const auto issued = renew(agent_, request_);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(issued->not_after, tests::kNow - 1h + 24h * 365);
}

}  // namespace
}  // namespace tocsin::collector
