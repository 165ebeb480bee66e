#include "collector/operate/callers.hpp"

#include <gtest/gtest.h>

#include "common/crypto/crypto.hpp"
#include "tests/support/fake_collector.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::collector {
namespace {

class CallersTest : public testing::Test {
 protected:
  static std::string fingerprint(const std::string& pem) {
    return crypto::read_certificate(pem).value().fingerprint;
  }
  tests::FakeClock clock_;
  const tests::TestAuthority site_{tests::kNow};
  const std::string duty_ = site_.for_operator("wang", model::Role::duty).certificate_pem;
};

TEST_F(CallersTest, AnOperatorsCertificateNamesWhoAndRole) {
  Callers callers("", clock_);
  const auto who = callers.admit(duty_);
  ASSERT_TRUE(who) << who.error().message;
  EXPECT_EQ(who->name, "wang");
  EXPECT_EQ(who->role, model::Role::duty);
  EXPECT_EQ(who->fingerprint, fingerprint(duty_));
  EXPECT_EQ(callers.refused(), 0U);
}

TEST_F(CallersTest, AgentsAndCollectorsAreNoOperators) {
  Callers callers("", clock_);
  EXPECT_EQ(callers.admit(site_.for_agent().certificate_pem).error().code,
            ErrorCode::permission_denied);
  EXPECT_EQ(callers.admit(site_.for_collector().certificate_pem).error().code,
            ErrorCode::permission_denied);
  EXPECT_EQ(callers.admit("").error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(callers.admit("-----BEGIN CERTIFICATE-----\nnonsense").error().code,
            ErrorCode::permission_denied);
  EXPECT_EQ(callers.refused(), 4U);
}

TEST_F(CallersTest, ACertificateThatExpiredDuringTheConnectionIsRefused) {
  Callers callers("", clock_);
  clock_.advance(25h);
  EXPECT_EQ(callers.admit(duty_).error().code, ErrorCode::unauthenticated);
  clock_.advance(-50h);
  EXPECT_EQ(callers.admit(duty_).error().code, ErrorCode::unauthenticated);
}

// Everything that was issued until then; what is issued later is a new beginning.
TEST_F(CallersTest, AnOperatorThatWasRevokedIsRefusedUntilANewCertificate) {
  Instant revoked_at = crypto::read_certificate(duty_)->not_before;
  const auto when = [&](std::string_view name) {
    return name == "wang" ? std::optional(revoked_at) : std::nullopt;
  };
  Callers callers("", clock_, {when, {}});
  EXPECT_EQ(callers.admit(duty_).error().code, ErrorCode::permission_denied);
  EXPECT_TRUE(callers.admit(site_.for_operator("lin", model::Role::duty).certificate_pem));
  revoked_at = revoked_at - 1s;
  EXPECT_TRUE(callers.admit(duty_));
}

TEST_F(CallersTest, TellsOfTheCertificatesOfThoseWhoAreLetIn) {
  std::vector<std::string> seen;
  Callers callers("", clock_, {{}, [&](const crypto::CertificateInfo& certificate) {
                                 seen.push_back(certificate.fingerprint);
                               }});
  ASSERT_TRUE(callers.admit(duty_));
  ASSERT_FALSE(callers.admit(site_.for_agent().certificate_pem));
  EXPECT_EQ(seen, std::vector{fingerprint(duty_)});
}

TEST(Revocations, AreFingerprintsWithComments) {
  const std::string plain(64, 'a');
  const std::string capitals(64, 'B');
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "cc" : ":cc";
  const auto list = parse_revocations("# lost keys\n" + plain + "  # wang\r\n\n" + capitals + "\n" +
                                      colons + "\nnot-one\n" + std::string(63, 'a'));
  EXPECT_EQ(list.fingerprints,
            (std::set<std::string>{plain, std::string(64, 'b'), std::string(64, 'c')}));
  EXPECT_EQ(list.bad_lines, 2U);
  EXPECT_TRUE(parse_revocations("").fingerprints.empty());
}

}  // namespace
}  // namespace tocsin::collector
