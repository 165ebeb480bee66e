// Signed documents read again: what is genuine, and what exactly was changed where it is not.
#include "common/crypto/signed_document.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/time/time_source.hpp"

namespace tocsin::crypto {
namespace {

// CMS stamps the machine's own time, so certificates must be good now.
class SignedDocuments : public testing::Test {
 protected:
  std::string certificate(Instant from, Duration life) const {
    CertificateRequest request;
    request.identity = {.kind = Identity::Kind::agent, .agent = agent_, .name = {}};
    request.not_before = from;
    request.life = life;
    return sign_certificate(authority_, request_, request).value();
  }
  DocumentProblem problem_of(const std::string& pem) const {
    return open_document(pem, authority_.certificate_pem).value().problem;
  }

  const Instant now_ = time::SystemTime().wall();
  const Authority authority_ = make_authority("IDC-1", now_ - 24h * 100, 24h * 3650).value();
  const std::string key_ = make_key_pem().value();
  const std::string request_ = make_signing_request(key_, "web1").value();
  const AgentId agent_ = agent_id_of_key(key_).value();
  const std::string certificate_ = certificate(now_ - 1h, 24h);
  const std::string document_ = "{\"host\":\"web1\"}\n";
};

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The bytes of a PEM block, and a block of bytes.
std::string der_of(const std::string& pem) {
  const std::size_t begin = pem.find('\n') + 1;
  const std::size_t end = pem.find("-----END");
  std::string der;
  std::uint32_t bits = 0;
  int have = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t digit = kDigits.find(pem[i]);
    if (digit == kDigits.npos) continue;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    der += static_cast<char>(bits >> have & 0xffU);
  }
  return der;
}

std::string pem_of(const std::string& der) {
  std::string text;
  for (std::size_t i = 0; i < der.size(); i += 3) {
    if (i % 48 == 0) text += '\n';
    const std::size_t left = std::min<std::size_t>(3, der.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < left ? static_cast<unsigned char>(der[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= left ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return "-----BEGIN CMS-----" + text + "\n-----END CMS-----\n";
}

TEST_F(SignedDocuments, SayWhoSignedThemAndWhen) {
  const std::string pem = sign_document(document_, certificate_, key_).value();
  const auto opened = open_document(pem, authority_.certificate_pem);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->problem, DocumentProblem::none);
  EXPECT_EQ(opened->document, document_);
  EXPECT_EQ(opened->signer.identity.agent, agent_);
  EXPECT_GE(opened->signed_at, now_ - 1s);
  EXPECT_LE(opened->signed_at, now_ + 60s);
}

TEST_F(SignedDocuments, OfAnotherAuthorityAreNotTrusted) {
  const Authority stranger = make_authority("IDC-2", now_ - 24h, 24h * 3650).value();
  const std::string pem = sign_document(document_, certificate_, key_).value();
  const auto opened = open_document(pem, stranger.certificate_pem);
  EXPECT_EQ(opened->problem, DocumentProblem::other_authority);
  EXPECT_EQ(opened->signer.identity.agent, agent_);
  // One of several is enough: while one authority takes over from another.
  EXPECT_EQ(
      open_document(pem, stranger.certificate_pem + authority_.certificate_pem).value().problem,
      DocumentProblem::none);
}

TEST_F(SignedDocuments, WithACertificateThatWasNotValidThenAreNotTrusted) {
  const std::string over = certificate(now_ - 24h * 10, 24h * 5);
  EXPECT_EQ(problem_of(sign_document(document_, over, key_).value()),
            DocumentProblem::certificate_not_valid);
}

TEST_F(SignedDocuments, TellAChangedDocumentFromAChangedSignature) {
  const std::string der = der_of(sign_document(document_, certificate_, key_).value());
  ASSERT_EQ(problem_of(pem_of(der)), DocumentProblem::none);
  std::string other = der;
  const std::size_t at = other.find("web1");
  ASSERT_NE(at, other.npos);
  other[at] = 'x';
  const auto opened = open_document(pem_of(other), authority_.certificate_pem);
  EXPECT_EQ(opened->problem, DocumentProblem::document_changed);
  EXPECT_EQ(opened->document, "{\"host\":\"xeb1\"}\n");
  EXPECT_EQ(opened->signer.identity.agent, agent_);
  other = der;
  other.back() = static_cast<char>(other.back() ^ 1);  // of the signature itself
  EXPECT_EQ(problem_of(pem_of(other)), DocumentProblem::signature_changed);
}

TEST_F(SignedDocuments, ThatAreNoneAreRefused) {
  for (const std::string& text : {std::string(), std::string("x"), certificate_,
                                  std::string("-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n"),
                                  std::string(17 << 20, 'x')}) {
    const auto opened = open_document(text, authority_.certificate_pem);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
  }
  const std::string pem = sign_document(document_, certificate_, key_).value();
  EXPECT_FALSE(open_document(pem.substr(0, pem.size() / 2), authority_.certificate_pem));
}

// Whatever byte is another, nobody takes a changed document for a genuine one.
RC_GTEST_FIXTURE_PROP(SignedDocuments, AreNeverGenuineWithAnotherDocument, ()) {
  std::string der = der_of(sign_document(document_, certificate_, key_).value());
  const auto at = *rc::gen::inRange<std::size_t>(0, der.size());
  der[at] = static_cast<char>(der[at] ^ *rc::gen::inRange(1, 256));
  const auto opened = open_document(pem_of(der), authority_.certificate_pem);
  if (!opened || opened->problem != DocumentProblem::none) return;
  RC_ASSERT(opened->document == document_);
  RC_ASSERT(opened->signer.identity.agent == agent_);
}

}  // namespace
}  // namespace tocsin::crypto
