// `tocsinctl diagnose verify`: what it says of a diagnosis that came by hand.
#include "collector/ctl/diagnosis.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/signed_document.hpp"
#include "tests/support/fake_collector.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/collector/ctl/fake_client.hpp"

namespace tocsin::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Diagnosis : public testing::Test {
 protected:
  void SetUp() override {
    write("ca.pem", authority_.certificate_pem);
    settings_.authority_file = directory_.file("ca.pem");
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(directory_.file(name)) << content;
    return directory_.file(name);
  }
  std::string signed_by(const crypto::Identity& identity, const std::string& document) const {
    crypto::CertificateRequest request;
    request.identity = identity;
    request.not_before = now_ - 1h;
    request.life = 24h;
    const auto certificate = crypto::sign_certificate(
        authority_, crypto::make_signing_request(key_, "x").value(), request);
    return crypto::sign_document(document, *certificate, key_).value();
  }
  std::string by_agent(const std::string& document) const {
    return signed_by({.kind = crypto::Identity::Kind::agent, .agent = agent_, .name = {}},
                     document);
  }
  Printed verify(const std::string& pem) {
    const Connect connect = [this]() -> Result<std::unique_ptr<Client>> {
      ++connections_;
      if (!reachable_) return fail(ErrorCode::unavailable, "no route to it");
      return std::make_unique<FakeClient>(script_);
    };
    return run(VerifyDiagnosis{write("diagnosis.pem", pem)}, settings_, connect, clock_);
  }

  const tests::TempDir directory_;
  const Instant now_ = time::SystemTime().wall();
  const crypto::Authority authority_ =
      crypto::make_authority("IDC-1", now_ - 24h, 24h * 3650).value();
  const std::string key_ = crypto::make_key_pem().value();
  const AgentId agent_ = crypto::agent_id_of_key(key_).value();
  const std::string document_ =
      "{\"host\":\"web1\",\"at\":\"2026-11-23T04:00:00Z\",\"suggested\":\"C\","
      "\"counts\":{\"normal\":9,\"abnormal\":2}}\n";
  Settings settings_;
  tests::FakeClock clock_;
  Script script_;
  bool reachable_ = false;
  int connections_ = 0;
};

TEST_F(Diagnosis, AGenuineOneNeedsNoCollector) {
  const Printed said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::done);
  EXPECT_THAT(said.out, AllOf(HasSubstr("o The diagnosis is genuine"), HasSubstr("web1"),
                              HasSubstr(agent_.hex.substr(0, 16)),
                              HasSubstr("C suggested; abnormal=2 normal=9")));
  EXPECT_EQ(connections_, 0);
  settings_.view.language = i18n::Language::zh_tw;
  EXPECT_THAT(verify(by_agent(document_)).out, HasSubstr("o 診斷結果屬實"));
}

TEST_F(Diagnosis, WhoseAgentItIsIsAskedAndSaidWhereItCannotBe) {
  settings_.address = "collector:8443";
  const Printed said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::done);
  EXPECT_EQ(connections_, 1);
  EXPECT_THAT(said.out, HasSubstr("Whose agent it is was not confirmed: no route to it"));
}

TEST_F(Diagnosis, ItsAgentMustBeTheHostsOwnAndAdmitted) {
  settings_.address = "collector:8443";
  reachable_ = true;
  script_.host_list.mutable_hosts(0)->set_agent_id(agent_.hex);
  script_.host_list.mutable_hosts(0)->set_name("web1");
  Printed said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::done);
  EXPECT_THAT(said.out, HasSubstr(" of web1\n"));
  EXPECT_EQ(script_.hosts_asked.back().name(), agent_.hex);
  script_.host_list.mutable_hosts(0)->set_name("db1");
  said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::failed);
  EXPECT_THAT(said.out, AllOf(HasSubstr("is another host's"), HasSubstr(" of db1\n")));
  script_.host_list.mutable_hosts(0)->set_name("web1");
  script_.host_list.mutable_hosts(0)->set_revoked(true);
  said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::failed);
  EXPECT_THAT(said.out, HasSubstr("is revoked"));
  script_.host_list.clear_hosts();
  said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::done);
  EXPECT_THAT(said.out, HasSubstr("no host of this site has this agent"));
}

TEST_F(Diagnosis, APersonMaySignWithTheirOwnKey) {
  settings_.address = "collector:8443";
  const Printed said = verify(signed_by({.kind = crypto::Identity::Kind::operator_,
                                         .agent = {},
                                         .role = model::Role::duty,
                                         .name = "wang"},
                                        document_));
  EXPECT_EQ(said.exit, ExitCode::done);
  EXPECT_THAT(said.out, HasSubstr("wang"));
  EXPECT_EQ(connections_, 0);
}

TEST_F(Diagnosis, OneOfAnotherAuthorityIsNotGenuineAndSaysNothingElse) {
  const auto stranger = crypto::make_authority("IDC-2", now_ - 24h, 24h * 3650);
  settings_.authority_file = write("other.pem", stranger->certificate_pem);
  const Printed said = verify(by_agent(document_));
  EXPECT_EQ(said.exit, ExitCode::failed);
  EXPECT_THAT(said.out, AllOf(HasSubstr("X The diagnosis is not genuine"),
                              HasSubstr("not of this site"), Not(HasSubstr("suggested"))));
  settings_.json = true;
  EXPECT_THAT(verify(by_agent(document_)).out,
              AllOf(HasSubstr("\"genuine\":false,\"problem\":\"other_authority\""),
                    HasSubstr("\"diagnosis\":null")));
}

TEST_F(Diagnosis, JsonCarriesTheDiagnosisItself) {
  settings_.json = true;
  const Printed said = verify(by_agent(document_));
  EXPECT_THAT(said.out, AllOf(HasSubstr("{\"genuine\":true,\"problem\":null,"),
                              HasSubstr("\"diagnosis\":{\"host\":\"web1\""), HasSubstr("}}\n")));
}

TEST_F(Diagnosis, WhatWasSignedMayBeNoDiagnosis) {
  const Printed said = verify(by_agent("rm -rf \x1b[2J"));
  EXPECT_EQ(said.exit, ExitCode::failed);
  EXPECT_THAT(said.out, AllOf(HasSubstr("is no diagnosis"), Not(HasSubstr("\x1b"))));
}

TEST_F(Diagnosis, AFileThatIsNoneFailsAndOneThatIsNotThereIsNotFound) {
  EXPECT_EQ(verify("hello").exit, ExitCode::failed);
  EXPECT_THAT(verify("hello").err, HasSubstr("diagnosis.pem"));
  const Connect nobody = []() -> Result<std::unique_ptr<Client>> {
    return fail(ErrorCode::internal, "not asked");
  };
  const VerifyDiagnosis missing{directory_.file("none.pem")};
  EXPECT_EQ(run(missing, settings_, nobody, clock_).exit, ExitCode::not_found);
  settings_.authority_file.clear();
  EXPECT_EQ(run(missing, settings_, nobody, clock_).exit, ExitCode::usage);
}

}  // namespace
}  // namespace tocsin::ctl
