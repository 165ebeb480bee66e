#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/crypto.hpp"
#include "tests/unit/common/crypto/foreign.hpp"

namespace tocsin::crypto {
namespace {

constexpr Instant kNow{1'795'000'000'000'000'000};  // 2026-11-18
constexpr Duration kDay = 24h;

class Certificate : public testing::Test {
 protected:
  const Authority authority_ = make_authority("IDC-1", kNow, kDay * 3650).value();
  const std::string key_ = make_key_pem().value();
  const std::string request_ = make_signing_request(key_, "hint").value();
  const AgentId agent_ = agent_id_of_key(key_).value();

  CertificateRequest for_agent() const {
    return {.identity = {.kind = Identity::Kind::agent, .agent = agent_, .name = {}},
            .dns_names = {},
            .ip_addresses = {},
            .not_before = kNow,
            .life = kDay * 30};
  }
  CertificateRequest for_operator(std::string name) const {
    CertificateRequest request = for_agent();
    request.identity = {.kind = Identity::Kind::operator_,
                        .agent = {},
                        .role = model::Role::officer,
                        .name = std::move(name)};
    return request;
  }
  CertificateRequest for_collector() const {
    CertificateRequest request = for_agent();
    request.identity = {.kind = Identity::Kind::collector, .agent = {}, .name = "IDC-1"};
    return request;
  }
  Result<std::string> sign(const CertificateRequest& request) const {
    return sign_certificate(authority_, request_, request);
  }
};

TEST_F(Certificate, OfAnAgentSaysWhichKeyItIsFor) {
  const auto pem = sign(for_agent());
  ASSERT_TRUE(pem) << pem.error().message;
  const auto info = read_certificate(*pem);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->identity.kind, Identity::Kind::agent);
  EXPECT_EQ(info->identity.agent, agent_);
  EXPECT_EQ(info->not_before, kNow);
  EXPECT_EQ(info->not_after, kNow + kDay * 30);
  EXPECT_EQ(info->fingerprint, fingerprint_of(*pem).value());
}

TEST_F(Certificate, OfAnOperatorCarriesNameAndRole) {
  const auto info = read_certificate(sign(for_operator("wang.xm")).value());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->identity.kind, Identity::Kind::operator_);
  EXPECT_EQ(info->identity.name, "wang.xm");
  EXPECT_EQ(info->identity.role, model::Role::officer);
}

TEST_F(Certificate, OfACollectorCarriesSiteNamesAndAddresses) {
  CertificateRequest request = for_collector();
  request.dns_names = {"tocsin.example", "localhost"};
  request.ip_addresses = {"127.0.0.1", "2001:db8::1"};
  const auto pem = sign(request);
  ASSERT_TRUE(pem) << pem.error().message;
  EXPECT_EQ(read_certificate(*pem)->identity.name, "IDC-1");
}

TEST_F(Certificate, HasAFreshSerialOf128BitsEachTime) {
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) {
    const auto info = read_certificate(sign(for_agent()).value());
    EXPECT_EQ(info->serial.size(), 32U);
    serials.insert(info->serial);
  }
  EXPECT_EQ(serials.size(), 20U);
}

TEST_F(Certificate, IsValidOnlyWithinItsTimesAndOnlyUnderItsAuthority) {
  const std::string pem = sign(for_agent()).value();
  const auto& ca = authority_.certificate_pem;
  EXPECT_TRUE(verify_certificate(pem, ca, kNow));
  EXPECT_TRUE(verify_certificate(pem, ca, kNow + kDay * 30 - 1s));
  EXPECT_EQ(verify_certificate(pem, ca, kNow - 1s).error().message,
            "certificate: certificate is not yet valid");
  EXPECT_EQ(verify_certificate(pem, ca, kNow + kDay * 30 + 1s).error().message,
            "certificate: certificate has expired");
  const Authority other = make_authority("IDC-1", kNow, kDay * 3650).value();
  const auto foreign = verify_certificate(pem, other.certificate_pem, kNow);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::permission_denied);
  EXPECT_TRUE(verify_certificate(pem, other.certificate_pem + ca, kNow)) << "while a CA changes";
}

TEST_F(Certificate, CannotSignAnotherOne) {
  const Authority leaf{sign(for_agent()).value(), key_};
  const auto pem = sign_certificate(leaf, request_, for_agent());
  ASSERT_FALSE(pem);
  EXPECT_EQ(pem.error().message, "authority: its certificate may not sign others");
}

TEST_F(Certificate, IsNotSignedWithAKeyThatIsNotTheAuthoritys) {
  const Authority mixed{authority_.certificate_pem, key_};
  EXPECT_EQ(sign_certificate(mixed, request_, for_agent()).error().message,
            "authority: the key is not the certificate's");
}

TEST_F(Certificate, EndsNoLaterThanItsAuthority) {
  CertificateRequest request = for_agent();
  request.not_before = kNow + kDay * 3640;
  const auto info = read_certificate(sign(request).value());
  EXPECT_EQ(info->not_after, kNow + kDay * 3650);
  request.not_before = kNow + kDay * 3650;
  EXPECT_EQ(sign(request).error().code, ErrorCode::failed_precondition);
}

TEST_F(Certificate, OfAnAgentIsRefusedForAnothersKey) {
  CertificateRequest request = for_agent();
  request.identity.agent = agent_id_of_key(make_key_pem().value()).value();
  EXPECT_EQ(sign(request).error().message, "certificate: the agent's id is not its key's");
}

TEST_F(Certificate, IsRefusedForNamesThatAreNotPlain) {
  for (const char* name : {"", "Wang", "a b", "a/b", "../x", "a\nb", "admin/x", "a%2f"}) {
    EXPECT_FALSE(sign(for_operator(name))) << name;
  }
  EXPECT_FALSE(sign(for_operator(std::string(65, 'a'))));
  EXPECT_TRUE(sign(for_operator(std::string(64, 'a'))));
}

TEST_F(Certificate, IsRefusedForAddressesThatAreNone) {
  for (const char* name : {"", "*.example", "a b", "x,IP:1.2.3.4", "..", "-x"}) {
    CertificateRequest request = for_collector();
    request.dns_names = {name};
    EXPECT_FALSE(sign(request)) << name;
  }
  for (const char* address : {"", "1.2.3", "localhost", "1.2.3.4/24"}) {
    CertificateRequest request = for_collector();
    request.ip_addresses = {address};
    EXPECT_FALSE(sign(request)) << address;
  }
  CertificateRequest agent = for_agent();
  agent.dns_names = {"web1"};
  EXPECT_FALSE(sign(agent)) << "only a collector's";
}

TEST_F(Certificate, OfAnAuthorityNamesNoIdentity) {
  EXPECT_EQ(read_certificate(authority_.certificate_pem).error().message,
            "certificate: it names no identity of ours");
  EXPECT_EQ(fingerprint_of(authority_.certificate_pem)->size(), 64U);
}

TEST_F(Certificate, OfAnotherKindOfKeyIsRefused) {
  EXPECT_EQ(read_certificate(kRsaCertificate).error().message,
            "certificate: the key must be ECDSA on curve P-256");
}

TEST_F(Certificate, TwoInOnePemAreRefused) {
  const std::string pem = sign(for_agent()).value();
  EXPECT_EQ(read_certificate(pem + pem).error().message,
            "certificate: more than one PEM block; give exactly one");
  EXPECT_EQ(read_certificate(pem + key_).error().code, ErrorCode::invalid_argument);
}

TEST_F(Certificate, BundleIsSplitInOrderAndBounded) {
  const std::string pem = sign(for_agent()).value();
  const auto two = split_certificates("a note\n" + pem + authority_.certificate_pem);
  ASSERT_TRUE(two);
  EXPECT_THAT(*two, testing::ElementsAre(pem, authority_.certificate_pem));
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += pem;
  EXPECT_FALSE(split_certificates(nine));
  EXPECT_FALSE(split_certificates(pem.substr(0, pem.size() / 2)));
  EXPECT_FALSE(split_certificates(""));
}

TEST(Authority, IsRefusedForASiteThatIsNoName) {
  EXPECT_FALSE(make_authority("", kNow, kDay));
  EXPECT_FALSE(make_authority("a/b", kNow, kDay));
  EXPECT_FALSE(make_authority("IDC-1", kNow, 0s));
  EXPECT_FALSE(make_authority("IDC-1", kNow, kDay * 366 * 31));
}

}  // namespace
}  // namespace tocsin::crypto
