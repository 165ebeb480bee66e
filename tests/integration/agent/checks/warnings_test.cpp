#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

// procedure M-04, on real files
class Warnings : public testing::Test {
 protected:
  void SetUp() override {
    append("Nov 22 22:14:54 h kernel: Kernel panic - not syncing: of yesterday\n");
    look();
  }
  void append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
  model::WarningsFacts look() { return check_.facts<model::WarningsFacts>(); }

  tests::TempDir folder_;
  std::string path_ = folder_.file("messages");
  CheckRun check_{model::CheckKind::warnings, path_};
};

TEST_F(Warnings, CountsOnlyWhatCameSinceTheLookBefore) {
  EXPECT_TRUE(look().groups.empty());
  append("Nov 22 22:14:55 h kernel: Out of memory: Killed process 4242 (dsmserv)\n");
  const auto facts = look();
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].id, "kernel.oom");
  EXPECT_EQ(facts.groups[0].count, 1U);
  EXPECT_TRUE(look().groups.empty());
}

TEST_F(Warnings, GoOnAfterARestartAndARotation) {
  append("Nov 22 22:14:55 h sshd[1]: Too many authentication failures for root\n");
  std::filesystem::rename(path_, path_ + ".1");
  append("Nov 22 22:14:56 h sshd[2]: Too many authentication failures for eve\n");
  check_.context.memory.reset();
  const auto facts = look();
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].count, 2U);
  EXPECT_EQ(facts.rotations, 1U);
  EXPECT_EQ(facts.lost_bytes, 0U);
}

// procedure M-04: what a look saw of a log and could not read before it was cut is said.
TEST_F(Warnings, CountWhatACopyLacksAsLost) {
  std::filesystem::copy_file(path_, path_ + ".1");
  append("Nov 22 22:14:55 h kernel: Out of memory: Killed");
  EXPECT_TRUE(look().groups.empty());
  std::filesystem::resize_file(path_, 0);
  append("Nov 22 22:14:56 h kernel: Out of memory: Killed process 4243 (other)\n");
  const auto facts = look();
  EXPECT_EQ(facts.lost_bytes, 47U);
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].count, 1U);
}

// A run whose facts could not be committed is repeated in full.
TEST_F(Warnings, CountAgainWhatWasNotCommitted) {
  append("Nov 22 22:14:55 h kernel: Out of memory: Killed process 4242 (dsmserv)\n");
  EXPECT_EQ(look().groups.size(), 1U);
  check_.context.new_cursor.reset();
  EXPECT_EQ(look().groups.size(), 1U);
}

TEST_F(Warnings, SurviveHostileRecords) {
  std::string cjk;
  while (cjk.size() < 4096) cjk += "備份";
  append("\x1b]0;owned\x07Kernel panic - not syncing \x1b[2J\r\n" + cjk +
         "\n\xff\xfe\x80 ANR7837S \xc3\x28\nKernel panic - not syncing " + cjk + "\n" +
         std::string(100'000, 'x') + "\n");
  const auto facts = look();
  EXPECT_EQ(facts.records, 5U);
  EXPECT_EQ(facts.long_records, 1U);
  ASSERT_EQ(facts.groups.size(), 2U);
  for (const auto& group : facts.groups) {
    EXPECT_EQ(group.example.find('\x1b'), std::string::npos);
    EXPECT_LE(group.example.size(), 1024U);
  }
}

TEST_F(Warnings, SayWhetherThereIsALog) {
  EXPECT_EQ(look().present, model::Tristate::yes);
  std::filesystem::remove(path_);
  EXPECT_EQ(look().present, model::Tristate::unknown) << "it may be rotated right now";
  EXPECT_EQ(look().present, model::Tristate::unknown);
  check_.context.memory.reset();
  EXPECT_EQ(look().present, model::Tristate::no) << "after a restart it is still not there";
  append("Nov 22 22:14:55 h kernel: Out of memory: Killed process 4242 (dsmserv)\n");
  const auto back = look();
  EXPECT_EQ(back.present, model::Tristate::yes);
  EXPECT_EQ(back.groups.size(), 1U) << "what it has is new";
}

TEST_F(Warnings, SayAtOnceThatANameIsOfNoLog) {
  CheckRun other(model::CheckKind::warnings, folder_.file("typo"));
  EXPECT_EQ(other.facts<model::WarningsFacts>().present, model::Tristate::no);
}

TEST_F(Warnings, LeaveOutOurOwnLoginProbe) {
  check_.context.settings.warnings.probe_accounts = {"tocsin-probe"};
  check_.context.settings.warnings.probe_addresses = {"10.0.0.5"};
  append(
      "Nov 22 22:14:55 h sshd[1]: Failed password for tocsin-probe from 10.0.0.5 port 4 ssh2\n"
      "Nov 22 22:14:55 h sshd[1]: Failed password for tocsin-probe from 10.9.9.9 port 4 ssh2\n");
  const auto facts = look();
  EXPECT_EQ(facts.own_records, 1U);
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].count, 1U);
}

TEST_F(Warnings, LeaveOutOurOwnLoginThatBeganBeforeTheFirstLook) {
  append(
      "Nov 22 22:14:55 h sshd[104]: Connection from 10.0.0.5 port 4022 on 10.0.0.9 port 22\n"
      "Nov 22 22:14:55 h sshd[104]: Accepted key ED25519 SHA256:x found at /keys:1\n"
      "Nov 22 22:14:55 h sshd[104]: Accepted publickey for tocsin-probe from 10.0.0.5 port 4022\n");
  const std::string file = folder_.file("site.toml");
  std::ofstream(file)
      << "[[message]]\nid = \"sent\"\nlevel = \"error\"\nmatch = [\"Transferred\"]\n";
  CheckRun first(model::CheckKind::warnings, path_);
  first.context.settings.warnings.catalogues = {file};
  first.context.settings.warnings.probe_accounts = {"tocsin-probe"};
  first.context.settings.warnings.probe_addresses = {"10.0.0.5"};
  EXPECT_EQ(first.facts<model::WarningsFacts>().records, 0U);
  append(
      "Nov 22 22:14:56 h sshd[104]: Transferred: sent 2640, received 1276 bytes\n"
      "Nov 22 22:14:56 h sshd[105]: Transferred: sent 2640, received 1276 bytes\n");
  const auto facts = first.facts<model::WarningsFacts>();
  EXPECT_EQ(facts.own_records, 1U);
  ASSERT_EQ(facts.groups.size(), 1U);
  EXPECT_EQ(facts.groups[0].count, 1U) << "the other process is nobody of ours";
}

TEST_F(Warnings, ReadASitesOwnCatalogueAndSayWhatIsWrongWithIt) {
  const std::string file = folder_.file("site.toml");
  std::ofstream(file) << "[[message]]\nid = \"own\"\nlevel = \"grave\"\nmatch = [\"lost\"]\n";
  CheckRun other(model::CheckKind::warnings, path_);
  other.context.settings.warnings.catalogues = {file};
  const auto refused = other.run();
  EXPECT_EQ(refused.outcome, model::Outcome::failed);
  EXPECT_NE(refused.detail.parameters.at(0).value.find("site.toml:3:"), std::string::npos);
  std::ofstream(file) << "[[message]]\nid = \"own\"\nlevel = \"error\"\nmatch = [\"lost\"]\n";
  other.run();
  append("something was lost\n");
  EXPECT_EQ(other.facts<model::WarningsFacts>().groups.at(0).id, "own");
}

// The journal of this machine, where it has one; its position is a cursor.
TEST(WarningsOfTheJournal, AreReadFromItsEndOn) {
  CheckRun check(model::CheckKind::warnings, "journal");
  const auto first = check.run();
  if (first.outcome != model::Outcome::seen) {
    EXPECT_EQ(first.detail.code, "run.error");
    return;
  }
  EXPECT_EQ(std::get<model::WarningsFacts>(first.facts).records, 0U);
}

}  // namespace
}  // namespace tocsin::agent
