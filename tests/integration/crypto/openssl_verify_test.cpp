// Our certificates as somebody else's program sees them: the openssl command line.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/crypto.hpp"
#include "common/crypto/signed_document.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::crypto {
namespace {

using testing::HasSubstr;

// Standard output and error of a command line of ours.
std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  char buffer[4096];
  for (std::size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  pclose(pipe);
  return text;
}

class OpensslVerify : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tocsin-crypto-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    write("ca.pem", authority_.certificate_pem);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
    return (dir_ / name).string();
  }
  std::string signed_for(Identity identity, std::vector<std::string> dns,
                         std::vector<std::string> addresses) const {
    return sign_certificate(authority_, request_,
                            {.identity = std::move(identity),
                             .dns_names = std::move(dns),
                             .ip_addresses = std::move(addresses),
                             .not_before = now_,
                             .life = 24h})
        .value();
  }
  std::string verify(const std::string& purpose, const std::string& file) const {
    return output_of("openssl verify -x509_strict -purpose " + purpose + " -CAfile " +
                     (dir_ / "ca.pem").string() + " " + file);
  }

  const Instant now_ = time::SystemTime().wall();
  const Authority authority_ = make_authority("IDC-1", now_, 24h * 3650).value();
  const std::string key_ = make_key_pem().value();
  const std::string request_ = make_signing_request(key_, "web1").value();
  std::filesystem::path dir_;
};

TEST_F(OpensslVerify, AcceptsAnAgentAsClientAndNotAsServer) {
  const auto id = agent_id_of_key(key_).value();
  const std::string file = write(
      "agent.pem", signed_for({.kind = Identity::Kind::agent, .agent = id, .name = {}}, {}, {}));
  EXPECT_THAT(verify("sslclient", file), HasSubstr("agent.pem: OK"));
  EXPECT_THAT(verify("sslserver", file), HasSubstr("unsuitable certificate purpose"));
  EXPECT_THAT(output_of("openssl x509 -noout -ext subjectAltName -in " + file),
              HasSubstr("URI:tocsin://agent/" + id.hex));
}

TEST_F(OpensslVerify, AcceptsACollectorAsServerOfItsNames) {
  const std::string file = write(
      "server.pem", signed_for({.kind = Identity::Kind::collector, .agent = {}, .name = "IDC-1"},
                               {"tocsin.example"}, {"127.0.0.1"}));
  EXPECT_THAT(verify("sslserver -verify_hostname tocsin.example", file), HasSubstr(": OK"));
  EXPECT_THAT(verify("sslserver -verify_ip 127.0.0.1", file), HasSubstr(": OK"));
  EXPECT_THAT(verify("sslserver -verify_hostname other.example", file),
              HasSubstr("hostname mismatch"));
  EXPECT_THAT(verify("sslclient", file), HasSubstr("unsuitable certificate purpose"));
  const std::string text = output_of("openssl x509 -noout -text -in " + file);
  for (const char* part : {"CA:FALSE", "Digital Signature", "TLS Web Server Authentication",
                           "X509v3 Subject Key Identifier", "X509v3 Authority Key Identifier",
                           "ecdsa-with-SHA256", "Version: 3 (0x2)"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST_F(OpensslVerify, AcceptsTheRequestAndTheAuthority) {
  const std::string request = write("request.der", request_);
  EXPECT_THAT(output_of("openssl req -inform DER -verify -noout -in " + request),
              HasSubstr("verify OK"));
  const std::string text = output_of("openssl x509 -noout -text -in " + (dir_ / "ca.pem").string());
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:0"));
  EXPECT_THAT(text, HasSubstr("Certificate Sign, CRL Sign"));
}

// The command that deploy/examples and README.md give for a diagnosis that was carried by hand.
TEST_F(OpensslVerify, ReadsASignedDocumentAndRefusesAChangedOne) {
  const auto id = agent_id_of_key(key_).value();
  const std::string certificate =
      signed_for({.kind = Identity::Kind::agent, .agent = id, .name = {}}, {}, {});
  const std::string document = "{\"host\":\"web1\"}\n";
  const std::string pem = sign_document(document, certificate, key_).value();
  const auto verified = [&](const std::string& file) {
    return output_of("openssl cms -verify -inform PEM -purpose any -CAfile " +
                     (dir_ / "ca.pem").string() + " -in " + file);
  };
  const std::string good = verified(write("diagnosis.pem", pem));
  EXPECT_THAT(good, HasSubstr(document));
  EXPECT_THAT(good, testing::ContainsRegex("CMS Verification successful"));
  const auto other = make_key_pem().value();
  EXPECT_EQ(sign_document(document, certificate, other).error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(sign_document(document, certificate, "no key"));
  EXPECT_FALSE(sign_document(document, "no certificate", key_));

  // One bit of what was signed, wherever it lies in the file.
  std::string der =
      output_of("openssl cms -cmsout -inform PEM -outform DER -in " + write("again.pem", pem));
  const std::size_t at = der.find("web1");
  ASSERT_NE(at, std::string::npos);
  der[at + 3] = '2';
  const std::string changed = write("changed.der", der);
  EXPECT_THAT(output_of("openssl cms -verify -inform DER -purpose any -CAfile " +
                        (dir_ / "ca.pem").string() + " -in " + changed),
              HasSubstr("CMS Verification failure"));
}

TEST_F(OpensslVerify, RefusesADocumentThatSomebodyElsesAuthorityVouchesFor) {
  const Authority stranger = make_authority("IDC-2", now_, 24h * 3650).value();
  CertificateRequest wanted;
  wanted.identity.kind = Identity::Kind::agent;
  wanted.identity.agent = agent_id_of_key(key_).value();
  wanted.not_before = now_;
  wanted.life = 24h;
  const std::string certificate = sign_certificate(stranger, request_, wanted).value();
  const std::string file = write("foreign.pem", sign_document("x", certificate, key_).value());
  EXPECT_THAT(output_of("openssl cms -verify -inform PEM -purpose any -CAfile " +
                        (dir_ / "ca.pem").string() + " -in " + file),
              HasSubstr("CMS Verification failure"));
}

}  // namespace
}  // namespace tocsin::crypto
