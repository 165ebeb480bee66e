// procedure M-10 with Debian's clamd and one signature, that of the EICAR test file.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

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

}  // namespace
}  // namespace tocsin::agent
