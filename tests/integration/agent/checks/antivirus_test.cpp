// procedure M-10 with Debian's clamd and one signature, that of the EICAR test file.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using model::AntivirusFacts;
using model::Tristate;

// In two parts, so that no scanner takes this file for it.
const std::string kEicar =
    std::string("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-") + "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

class AntivirusCheck : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    home_ = new tests::TempDir;
    clamd_ = new tests::ServerProcess("clamd.py", {home_->path()});
  }
  static void TearDownTestSuite() {
    delete clamd_;
    delete home_;
  }
  void SetUp() override {
    check_.definition.deadline = 60s;
    check_.context.settings.antivirus.socket = clamd_->port();
    check_.context.settings.antivirus.folders = {dir_.path()};
  }
  void put(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories(std::filesystem::path(dir_.file(name)).parent_path());
    std::ofstream(dir_.file(name)) << bytes;
  }

  tests::TempDir root_;
  static tests::TempDir* home_;
  static tests::ServerProcess* clamd_;
  tests::TempDir dir_;
  CheckRun check_{model::CheckKind::antivirus};
};
tests::TempDir* AntivirusCheck::home_ = nullptr;
tests::ServerProcess* AntivirusCheck::clamd_ = nullptr;

TEST_F(AntivirusCheck, FindsTheTestFileAndGradesItsFinding) {
  put("deep/er/eicar.com", kEicar);
  put("harmless", "hello");
  const auto seen = check_.run();
  const auto& facts = std::get<AntivirusFacts>(seen.facts);
  EXPECT_EQ(facts.scanner_available, Tristate::yes);
  EXPECT_FALSE(facts.engine_version.empty());
  EXPECT_GE(facts.scanned, 3U);  // Both files, and at least this program.
  ASSERT_EQ(facts.hits.size(), 1U);
  EXPECT_EQ(facts.hits.front().path, dir_.file("deep/er/eicar.com"));
  EXPECT_NE(facts.hits.front().name.find("Eicar-Test-Signature"), std::string::npos);
  EXPECT_EQ(facts.hits.front().size_bytes, 68U);
  EXPECT_EQ(rules::judge(seen, nullptr, {}).verdict, model::Verdict::abnormal);
}

// procedure M-10: one file among five thousand, and the last of them, has its turn when the budget
// of a round is less than all of them.
TEST_F(AntivirusCheck, FindsTheLastOfFiveThousandFiles) {
  for (int i = 0; i < 4999; ++i) std::ofstream(dir_.file(std::to_string(i))) << i;
  put("z", kEicar);
  fs::create_directory(root_.file("proc"));
  check_.context.root = root_.path();
  fs::create_symlink(clamd_->port(), root_.file("socket"));
  fs::create_symlink(dir_.path(), root_.file("srv"));
  auto& settings = check_.context.settings.antivirus;
  settings.socket = "/socket";
  settings.folders = {"/srv"};
  AntivirusFacts facts;
  for (int round = 1; round <= 3; ++round) {
    EXPECT_THAT(facts.hits, testing::IsEmpty());
    facts = check_.facts<AntivirusFacts>();
    EXPECT_EQ(facts.budget_exhausted, round < 3) << "2000 files a round";
  }
  ASSERT_EQ(facts.hits.size(), 1U);
  EXPECT_EQ(facts.hits[0].path, "/srv/z");
  EXPECT_EQ(facts.scanned, 5000U);
}

// One signature of one's own is no database: nothing found means nothing.
TEST_F(AntivirusCheck, SignaturesOfUnknownAgeCannotTell) {
  put("harmless", "hello");
  const auto seen = check_.run();
  EXPECT_TRUE(std::get<AntivirusFacts>(seen.facts).hits.empty());
  EXPECT_EQ(rules::judge(seen, nullptr, {}).verdict, model::Verdict::cannot_tell);
}

TEST_F(AntivirusCheck, ASecondRoundFindsAFileThatChanged) {
  put("file", "hello");
  EXPECT_TRUE(check_.facts<AntivirusFacts>().hits.empty());
  put("file", kEicar);
  EXPECT_EQ(check_.facts<AntivirusFacts>().hits.size(), 1U);
  EXPECT_EQ(check_.facts<AntivirusFacts>().hits.size(), 1U);  // And keeps finding it.
}

TEST_F(AntivirusCheck, WhatIsTooLargeOrALinkIsLeftOut) {
  check_.context.settings.antivirus.file_bytes = 8;
  put("large", kEicar);
  std::filesystem::create_symlink("/etc/passwd", dir_.file("link"));
  const auto facts = check_.facts<AntivirusFacts>();
  EXPECT_TRUE(facts.hits.empty());
  EXPECT_GE(facts.too_large, 1U);
  ASSERT_EQ(::mkfifo(dir_.file("pipe").c_str(), 0666), 0);  // Whose writer nobody waits for.
  EXPECT_EQ(check_.facts<AntivirusFacts>().errors, facts.errors);
}

TEST_F(AntivirusCheck, ABudgetThatIsSpentIsSaid) {
  check_.context.settings.antivirus.most_files = 1;
  put("a", "1");
  const auto seen = check_.run();
  EXPECT_TRUE(std::get<AntivirusFacts>(seen.facts).budget_exhausted);
  EXPECT_EQ(rules::judge(seen, nullptr, {}).verdict, model::Verdict::cannot_tell);
}

TEST_F(AntivirusCheck, NoScannerCannotTell) {
  check_.context.settings.antivirus.socket = dir_.file("absent");
  const auto seen = check_.run();
  EXPECT_EQ(std::get<AntivirusFacts>(seen.facts).scanner_available, Tristate::no);
  EXPECT_EQ(rules::judge(seen, nullptr, {}).verdict, model::Verdict::cannot_tell);
}

TEST_F(AntivirusCheck, AnotherScannerAnswersThroughItsExitCode) {
  const std::string scanner = dir_.file("scan");
  std::ofstream(scanner) << "#!/bin/sh\ngrep -q '[E]ICAR-STANDARD' \"$1\" || exit 0\n"
                            "echo \"$1: Test.File FOUND\"\nexit 9\n";
  ASSERT_EQ(::chmod(scanner.c_str(), 0755), 0);
  put("virus/eicar.com", kEicar);
  auto& settings = check_.context.settings.antivirus;
  settings.command = {scanner};
  settings.infected_status = 9;
  settings.folders = {dir_.file("virus")};
  settings.most_files = 20000;
  const auto facts = check_.facts<AntivirusFacts>();
  ASSERT_EQ(facts.hits.size(), 1U);
  EXPECT_EQ(facts.hits.front().name, "Test.File");
}

// procedure M-10: clamd says when its signatures were made in the zone of its host, without a word
// of which that is. Here in one of its own, so that no other test sees it.
int age_in_taipei_is_right() {
  if (::setenv("TZ", "Asia/Taipei", 1) != 0) return 1;
  const tests::TempDir home;
  const tests::TempDir root;
  fs::create_directory(root.file("proc"));
  fs::create_directory(root.file("srv"));
  std::ofstream(root.file("srv/letter")) << "good news";
  CheckRun check{model::CheckKind::antivirus, {}, root.path()};
  const auto made = (check.clock.wall() - 70h).ns / 1'000'000'000;
  const tests::ServerProcess clamd("clamd.py", {home.path(), std::to_string(made)});
  fs::create_symlink(clamd.port(), root.file("socket"));
  check.context.settings.antivirus.socket = "/socket";
  check.context.settings.antivirus.folders = {"/srv"};
  check.definition.deadline = 60s;
  const auto seen = check.run();
  const auto& facts = std::get<AntivirusFacts>(seen.facts);
  if (facts.signatures_version != "27000") return 2;
  return facts.signatures_at.ns / 1'000'000'000 == made ? 0 : 3;
}

TEST(AntivirusDeathTest, TheAgeOfSignaturesIsRightInTaipei) {
  EXPECT_EXIT(::_exit(age_in_taipei_is_right()), testing::ExitedWithCode(0), "");
}

// procedure M-10 with Debian's clamscan, which is asked by its exit code. What it finds it finds
// without a word of its signatures' age; that nothing is found means something where the host's own
// file says which file tells it.
class ClamscanCheck : public testing::Test {
 protected:
  ClamscanCheck() {
    fs::create_directory(root_.file("proc"));
    fs::create_directory(root_.file("srv"));
    fs::create_directory(root_.file("db"));
    std::ofstream(root_.file("db/eicar.hdb")) << "44d88612fea8a8f36de82e1278abb02f:68:Eicar\n";
    std::ofstream(root_.file("srv/letter")) << "good news";
    auto& settings = check_.context.settings.antivirus;
    settings.command = {"/usr/bin/clamscan", "--no-summary", "--database=" + root_.file("db")};
    settings.folders = {"/srv"};
    check_.definition.deadline = 60s;
  }
  model::Judgement judged() { return rules::judge(check_.run(), nullptr, {}); }

  tests::TempDir root_;
  CheckRun check_{model::CheckKind::antivirus, {}, root_.path()};
};

TEST_F(ClamscanCheck, OfUnknownAgeFindsAndIsNeverNormal) {
  EXPECT_EQ(judged().reasons.at(0).code, "antivirus.signatures_unknown");
  std::ofstream(root_.file("srv/letter")) << kEicar;
  const auto judgement = judged();
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].subject, "/srv/letter");
}

TEST_F(ClamscanCheck, IsNormalWhereAFileSaysThatItsSignaturesAreNew) {
  auto& settings = check_.context.settings.antivirus;
  settings.signatures = {"/db/daily.cld", "/db/eicar.hdb"};
  EXPECT_EQ(judged().verdict, model::Verdict::normal);
  fs::last_write_time(root_.file("db/eicar.hdb"), fs::file_time_type::clock::now() - 240h);
  EXPECT_EQ(judged().reasons.at(0).code, "antivirus.signatures_old");
  settings.signatures = {"/db/daily.cld"};
  EXPECT_EQ(judged().reasons.at(0).code, "antivirus.signatures_unknown") << "it is not there";
}

// procedure M-10: what was there is known after a restart, by what the check left in its cursor.
TEST_F(ClamscanCheck, AFolderThatIsGoneAfterARestartIsNotClean) {
  fs::rename(root_.file("srv"), root_.file("tmp"));
  auto& settings = check_.context.settings.antivirus;
  settings.folders = AntivirusSettings{}.folders;
  settings.signatures = {"/db/eicar.hdb"};
  std::ofstream(root_.file("tmp/letter")) << kEicar;
  std::ofstream(root_.file("tmp/other")) << "good news";
  EXPECT_EQ(judged().violations.size(), 1U);
  fs::rename(root_.file("tmp"), root_.file("elsewhere"));
  fs::create_directories(root_.file("var/tmp"));
  std::ofstream(root_.file("var/tmp/other")) << "good news";
  check_.context.memory.reset();
  const auto judgement = judged();
  EXPECT_EQ(judgement.verdict, model::Verdict::cannot_tell);
  EXPECT_EQ(judgement.reasons.at(0).code, "antivirus.folder_unseen");
  EXPECT_FALSE(looked_at(judgement, "malware.found", "/tmp/letter"));
  static_cast<void>(judged());
  EXPECT_FALSE(check_.context.new_cursor) << "what is the same is not kept anew";
}

// However new the file: a copy of old signatures is old.
TEST_F(ClamscanCheck, OfADatabaseOfClamavTheHeaderCounts) {
  const auto made = (check_.clock.wall() - 240h).ns / 1'000'000'000;
  std::ofstream(root_.file("daily.cld"))
      << "ClamAV-VDB:then:27000:1:90:X:X:site:" << made << std::string(400, ' ');
  check_.context.settings.antivirus.signatures = {"/daily.cld"};
  const auto seen = check_.run();
  EXPECT_EQ(std::get<AntivirusFacts>(seen.facts).signatures_version, "27000");
  const auto judgement = rules::judge(seen, nullptr, {});
  EXPECT_EQ(judgement.reasons.at(0).code, "antivirus.signatures_old");
}

}  // namespace
}  // namespace tocsin::agent
