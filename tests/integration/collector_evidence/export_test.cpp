// What an operator gets of evidence, from the store through the service's functions to the folder
// that tocsinctl writes; verified with openssl and sha256sum.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/ctl/commands.hpp"
#include "collector/operate/evidence_api.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "tests/support/fake_collector.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// tocsinctl's way to the collector without a wire between.
class Direct final : public ctl::Client {
 public:
  Direct(OperatorApi& operators, EvidenceApi& evidence, model::Principal caller)
      : operators_(operators), evidence_(evidence), caller_(std::move(caller)) {}
  Result<v1::Status> get_status(const v1::GetStatusRequest& request) override {
    return operators_.get_status(caller_, request);
  }
  Result<v1::HostList> list_hosts(const v1::ListHostsRequest& request) override {
    return operators_.list_hosts(request);
  }
  Result<v1::IncidentList> list_incidents(const v1::ListIncidentsRequest& request) override {
    return operators_.list_incidents(request);
  }
  Result<v1::IncidentDetail> get_incident(const v1::GetIncidentRequest& request) override {
    return operators_.get_incident(request);
  }
  Result<v1::MetricList> get_metrics(const v1::GetMetricsRequest& request) override {
    return operators_.get_metrics(request);
  }
  Result<v1::BaselineList> list_baselines(const v1::ListBaselinesRequest& request) override {
    return operators_.list_baselines(request);
  }
  Result<v1::BaselineDetail> get_baseline(const v1::GetBaselineRequest& request) override {
    return operators_.get_baseline(request);
  }
  Result<v1::BaselineDiff> diff_baseline(const v1::DiffBaselineRequest& request) override {
    return operators_.diff_baseline(request);
  }
  Result<v1::ExecuteReply> execute(const v1::ExecuteRequest& request) override {
    return operators_.execute(caller_, request);
  }
  Result<v1::EnrollToken> create_enroll_token(
      const v1::CreateEnrollTokenRequest& request) override {
    return operators_.create_enroll_token(caller_, request);
  }
  Result<v1::AuditReport> verify_audit(const v1::VerifyAuditRequest& request) override {
    return operators_.verify_audit(request);
  }
  Result<v1::EvidenceList> list_evidence(const v1::ListEvidenceRequest& request) override {
    return evidence_.list(request);
  }
  Result<v1::EvidenceDetail> get_evidence(const v1::GetEvidenceRequest& request) override {
    return evidence_.get(request);
  }
  Result<v1::EvidenceReport> verify_evidence(const v1::VerifyEvidenceRequest& request) override {
    return evidence_.verify(caller_, request);
  }
  Result<v1::EvidencePiece> read_evidence(const v1::ReadEvidenceRequest& request) override {
    return evidence_.read(caller_, request);
  }
  Result<v1::ExecuteReply> add_evidence(const v1::AddEvidenceRequest& request) override {
    return evidence_.add(caller_, request);
  }

 private:
  OperatorApi& operators_;
  EvidenceApi& evidence_;
  const model::Principal caller_;
};

int run(const std::string& command) { return WEXITSTATUS(std::system(command.c_str())); }

class Export : public testing::Test {
 protected:
  void SetUp() override {
    evidence::Manifest manifest;
    manifest.began = manifest.ended = tests::kNow;
    for (const std::string& content : {std::string("a line\n"), std::string(3 << 20, 'x')}) {
      evidence::Item item;
      item.what = "log";
      item.source = "/var/log/syslog";
      item.file = evidence::file_name(manifest.items.size() + 1, item.source);
      item.taken = tests::kNow;
      item.bytes = content.size();
      item.sha256 = store_->put(content).value();
      manifest.items.push_back(item);
    }
    const std::string key = crypto::make_key_pem().value();
    const auto sealed = evidence::seal(manifest, key).value();
    model::Evidence record;
    record.id = model::EvidenceId{2};
    record.state = model::EvidenceState::received;
    record.agent = crypto::agent_id_of_key(key).value();
    record.host_name = "web1";
    record.manifest = store_->put(sealed.manifest).value();
    record.received = tests::kNow;
    record.custody = {{tests::kNow, Position{7}, model::CustodyAct::asked, officer_, {}}};
    ASSERT_TRUE(store_->put_seal(record.manifest, sealed));
    item_ = manifest.items[0];
    fake_.state.evidence_rows = {record};
    fake_.intake.decide = [](const model::Command& command) {
      model::CommandResult result;
      if (std::holds_alternative<model::ExportEvidence>(command.act)) {
        result.detail = {"command.evidence_exported", {{"evidence", "E-2"}}};
      }
      return result;
    };
  }

  ctl::Printed ask(const ctl::EvidenceCommand& command, const model::Principal& who) {
    ctl::Settings settings;
    const ctl::Connect connect = [&]() -> Result<std::unique_ptr<ctl::Client>> {
      return std::make_unique<Direct>(operators_, api_, who);
    };
    return ctl::run(command, settings, connect, fake_.clock);
  }
  ctl::EvidenceCommand export_to(const std::string& folder) const {
    ctl::EvidenceCommand command;
    command.act = ctl::EvidenceCommand::Act::export_;
    command.id = "E-2";
    command.folder = folder;
    return command;
  }
  void spoil(const std::string& sha256) const {
    const std::string object = temp_.file("evidence/objects/" + sha256.substr(0, 2) + "/" + sha256);
    ASSERT_EQ(::chmod(object.c_str(), 0600), 0);
    std::ofstream(object, std::ios::app) << "x";
  }
  std::vector<model::EvidenceEvent> journaled() const {
    std::vector<model::EvidenceEvent> events;
    for (const model::JournalBody& body : fake_.intake.entries) {
      if (const auto* event = std::get_if<model::EvidenceEvent>(&body)) events.push_back(*event);
    }
    return events;
  }

  const model::Principal officer_{"chen", model::Role::officer, "f1"};
  const model::Principal other_{"lee", model::Role::officer, "f2"};
  tests::TempDir temp_;
  tests::FakeCollector fake_;
  std::unique_ptr<EvidenceStore> store_ =
      EvidenceStore::open(temp_.file("evidence"), {1 << 26, 1 << 26, 1 << 26, 0}).value();
  OperatorApi operators_{{fake_.state,
                          fake_.intake,
                          fake_.judge,
                          [this] { return fake_.intake.head(); },
                          {},
                          {},
                          {},
                          {},
                          {},
                          "0.1.0",
                          "memory",
                          "",
                          "",
                          tests::kNow}};
  EvidenceApi api_{{operators_, fake_.state, fake_.intake, *store_}};
  evidence::Item item_;
};

TEST_F(Export, IsAFolderThatOpensslAndSha256sumVerify) {
  const std::string folder = temp_.file("export");
  const ctl::Printed done = ask(export_to(folder), officer_);
  ASSERT_EQ(done.exit, ctl::ExitCode::done) << done.err;
  EXPECT_THAT(done.out, HasSubstr("openssl dgst -sha256 -verify agent.pub.pem"));
  const std::string in = "cd " + folder + " && ";
  EXPECT_EQ(run(in + "openssl dgst -sha256 -verify agent.pub.pem -signature MANIFEST.sig MANIFEST "
                     ">/dev/null"),
            0);
  EXPECT_EQ(run(in + "sha256sum --check --strict --quiet MANIFEST"), 0);
  EXPECT_TRUE(fs::exists(folder + "/custody.txt"));
  EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
}

// The command is in the journal before the first byte is given out, and opens it to its giver
// alone.
TEST_F(Export, NothingIsReadWithoutAReleaseOfOnesOwn) {
  v1::ReadEvidenceRequest request;
  request.set_evidence_id(2);
  request.set_command_id("nothing-was-asked");
  EXPECT_EQ(api_.read(officer_, request).error().code, ErrorCode::permission_denied);
  v1::ExecuteRequest asked;
  asked.mutable_command()->set_id("release-1");
  asked.mutable_command()->mutable_export_evidence()->set_evidence_id(2);
  ASSERT_TRUE(operators_.execute(officer_, asked));
  request.set_command_id("release-1");
  EXPECT_TRUE(api_.read(officer_, request));
  EXPECT_EQ(api_.read(other_, request).error().code, ErrorCode::permission_denied);
  request.set_evidence_id(3);
  EXPECT_EQ(api_.read(officer_, request).error().code, ErrorCode::permission_denied);
  request.set_evidence_id(2);
  fake_.state.results["release-1"].decided = tests::kNow - 2h;
  EXPECT_EQ(api_.read(officer_, request).error().code, ErrorCode::permission_denied);
}

// A file is read in many pieces; its manifest is parsed for the first.
TEST_F(Export, TheManifestIsReadOnce) {
  v1::ExecuteRequest asked;
  asked.mutable_command()->set_id("release-1");
  asked.mutable_command()->mutable_export_evidence()->set_evidence_id(2);
  ASSERT_TRUE(operators_.execute(officer_, asked));
  v1::ReadEvidenceRequest request;
  request.set_evidence_id(2);
  request.set_command_id("release-1");
  ASSERT_TRUE(api_.read(officer_, request));
  fs::remove_all(temp_.file("evidence/seals"));
  request.set_file(4);
  request.set_offset(2 << 20);
  const auto piece = api_.read(officer_, request);
  ASSERT_TRUE(piece) << piece.error().message;
  EXPECT_EQ(piece->data().size(), 1U << 20);
  EXPECT_EQ(piece->files(), 5U);
}

TEST_F(Export, WhatIsDamagedInTheStoreIsNotTakenForTheHosts) {
  spoil(item_.sha256);
  const ctl::Printed done = ask(export_to(temp_.file("export")), officer_);
  EXPECT_NE(done.exit, ctl::ExitCode::done);
  EXPECT_THAT(done.err, HasSubstr(item_.file));
}

TEST_F(Export, AFolderThatIsThereIsNotTouchedAndNothingIsReleased) {
  fs::create_directory(temp_.file("export"));
  EXPECT_NE(ask(export_to(temp_.file("export")), officer_).exit, ctl::ExitCode::done);
  EXPECT_TRUE(fake_.intake.entries.empty());
}

TEST_F(Export, VerifyingIsACustodyEntryThatNamesWhatIsDamaged) {
  ctl::EvidenceCommand command;
  command.act = ctl::EvidenceCommand::Act::verify;
  command.id = "E-2";
  EXPECT_EQ(ask(command, officer_).exit, ctl::ExitCode::done);
  EXPECT_EQ(journaled().at(0).act, model::CustodyAct::verified);
  EXPECT_EQ(journaled().at(0).by.name, "chen");
  spoil(item_.sha256);
  const ctl::Printed found = ask(command, officer_);
  EXPECT_EQ(found.exit, ctl::ExitCode::failed);
  EXPECT_THAT(found.out, HasSubstr(item_.file));
  EXPECT_EQ(journaled().at(1).act, model::CustodyAct::damaged);
}

// Procedure M-12: a picture of a screen.
TEST_F(Export, AFileIsAddedWithItsHash) {
  std::ofstream(temp_.file("screen.png")) << "picture";
  ctl::EvidenceCommand command;
  command.act = ctl::EvidenceCommand::Act::add;
  command.file = temp_.file("screen.png");
  command.reason = "the message";
  const ctl::Printed done = ask(command, officer_);
  EXPECT_EQ(done.exit, ctl::ExitCode::done) << done.err;
  const auto& added = std::get<model::Command>(fake_.intake.entries.at(0));
  const auto& act = std::get<model::AddEvidence>(added.act);
  EXPECT_EQ(act.name, "screen.png");
  EXPECT_EQ(act.digest, to_hex(crypto::sha256("picture")));
  EXPECT_EQ(store_->read(act.digest, 0, 10).value(), "picture");
  const model::Principal auditor{"an", model::Role::auditor, ""};
  EXPECT_EQ(ask(command, auditor).exit, ctl::ExitCode::not_permitted);
  EXPECT_EQ(fake_.intake.entries.size(), 1U);
}

// The incident is not open any more, say.
TEST_F(Export, AFileThatTheJudgeRefusesIsNotKept) {
  std::ofstream(temp_.file("screen.png")) << "picture";
  ctl::EvidenceCommand command;
  command.act = ctl::EvidenceCommand::Act::add;
  command.file = temp_.file("screen.png");
  command.reason = "the message";
  const std::uint64_t before = store_->used_bytes();
  fake_.intake.decide = [](const model::Command&) {
    model::CommandResult result;
    result.outcome = model::CommandOutcome::not_found;
    result.detail = {"command.no_incident", {{"name", "42"}}};
    return result;
  };
  EXPECT_EQ(ask(command, officer_).exit, ctl::ExitCode::not_found);
  EXPECT_EQ(store_->used_bytes(), before);
  EXPECT_FALSE(store_->read(to_hex(crypto::sha256("picture")), 0, 10));
}

TEST_F(Export, ShowSaysItsItemsAndItsCustody) {
  ctl::EvidenceCommand command;
  command.act = ctl::EvidenceCommand::Act::show;
  command.id = "2";
  const std::string text = ask(command, officer_).out;
  EXPECT_THAT(text, HasSubstr("E-2"));
  EXPECT_THAT(text, HasSubstr("/var/log/syslog"));
  EXPECT_THAT(text, HasSubstr("chen"));
  command.act = ctl::EvidenceCommand::Act::list;
  EXPECT_THAT(ask(command, officer_).out, HasSubstr("web1"));
  command.act = ctl::EvidenceCommand::Act::show;
  command.id = "E-9";
  EXPECT_EQ(ask(command, officer_).exit, ctl::ExitCode::not_found);
}

}  // namespace
}  // namespace tocsin::collector
