// restic as it comes from Debian, on a repository of the test's own; and for TSM, which cannot run
// here, a program that answers as IBM's documentation says dsmadmc does (tests/data/tsm).
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/os/program.hpp"
#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using model::BackupJobFacts;
using model::Outcome;
using model::Tristate;
using testing::HasSubstr;

void write(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  EXPECT_EQ(::chmod(path.c_str(), mode), 0);
}

std::string only_code(const model::Observation& seen) {
  const auto judgement = rules::judge(seen, nullptr, {});
  return judgement.violations.size() == 1 ? judgement.violations.front().code
                                          : std::string(to_string(judgement.verdict));
}

void run_restic(const std::string& folder, const std::vector<std::string>& command) {
  os::ProgramCall call;
  call.words = {"/usr/bin/restic", "--no-cache",      "--repo",
                folder + "/repo",  "--password-file", folder + "/password"};
  call.words.insert(call.words.end(), command.begin(), command.end());
  call.limit = 60s;
  const auto end = os::run_program(call, time::SystemTime{}, {});
  ASSERT_TRUE(end);
  ASSERT_EQ(end->status, 0) << end->errors;
}

// An empty repository, made once: its key is costly to find, as it should be.
const std::string& empty_repository() {
  static const tests::TempDir dir;
  static const bool made = [] {
    write(dir.file("password"), "correct horse\n");
    run_restic(dir.path(), {"init"});
    return true;
  }();
  EXPECT_TRUE(made);
  return dir.path();
}

class ResticCheck : public testing::Test {
 protected:
  ResticCheck() : check_(model::CheckKind::backup_job, "it") {
    fs::copy(empty_repository(), dir_.path(), fs::copy_options::recursive);
    fs::create_directory(dir_.file("data"));
    write(dir_.file("data/sample"), std::string(300'000, 's'));
    settings_.name = "it";
    settings_.program = "/usr/bin/restic";
    settings_.repository = dir_.file("repo");
    settings_.password_file = dir_.file("password");
    settings_.check_every = 0s;
    check_.definition.deadline = 60s;
  }

  void back_up(const std::string& host = "web1") {
    run_restic(dir_.path(), {"backup", "--host", host, dir_.file("data")});
  }

  model::Observation run() {
    check_.context.settings.backups = {settings_};
    return check_.run();
  }
  // Runs until `done`, as the observer does at each interval.
  BackupJobFacts run_until(bool (*done)(const BackupJobFacts&)) {
    BackupJobFacts facts;
    for (int i = 0; i < 300; ++i) {
      const auto seen = run();
      if (const auto* read = std::get_if<BackupJobFacts>(&seen.facts)) facts = *read;
      if (done(facts)) return facts;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ADD_FAILURE() << "nothing came of the test";
    return facts;
  }

  tests::TempDir dir_;
  BackupSettings settings_;
  CheckRun check_;
};

TEST_F(ResticCheck, TellsTheNewestBackupOfEachSource) {
  back_up();
  back_up("db1");
  const auto seen = run();
  ASSERT_EQ(seen.outcome, Outcome::seen);
  const auto& facts = std::get<BackupJobFacts>(seen.facts);
  ASSERT_EQ(facts.sources.size(), 2U);
  EXPECT_EQ(facts.sources[0].name, "web1:" + dir_.file("data"));
  EXPECT_LT(check_.clock.wall() - facts.sources[0].last_success, 1min);
  EXPECT_EQ(facts.last_success, facts.sources[1].last_success);
  EXPECT_EQ(facts.hour.ns % Duration(1h).count(), 0);
  EXPECT_EQ(only_code(seen), "normal");
}

TEST_F(ResticCheck, ASourceWithoutABackupIsAFindingUntilItHasOne) {
  back_up();
  settings_.sources = {"web1", "db1:" + dir_.file("data")};
  EXPECT_EQ(only_code(run()), "backup.never");
  back_up("db1");
  EXPECT_EQ(only_code(run()), "normal");
}

TEST_F(ResticCheck, AnEmptyRepositoryIsNoBackup) { EXPECT_EQ(only_code(run()), "backup.never"); }

TEST_F(ResticCheck, TellsWhyItCannotSee) {
  write(dir_.file("wrong"), "battery staple\n");
  settings_.password_file = dir_.file("wrong");
  auto seen = run();
  EXPECT_EQ(seen.outcome, Outcome::not_permitted);
  EXPECT_EQ(seen.detail.code, "backup.login_refused");
  settings_.password_file = dir_.file("not there");
  EXPECT_EQ(run().detail.code, "backup.login_refused");
  settings_.program = dir_.file("no restic");
  EXPECT_EQ(run().detail.code, "backup.tool_missing");
  check_.definition.check.target = "another";
  EXPECT_EQ(run().outcome, Outcome::not_applicable);
  EXPECT_EQ(run().detail.code, "backup.unnamed");
}

TEST_F(ResticCheck, ARepositoryThatIsGoneIsAFinding) {
  fs::rename(dir_.file("repo"), dir_.file("elsewhere"));
  EXPECT_EQ(only_code(run()), "backup.unreachable");
}

// One pack of the repository is damaged: the list of backups shows nothing of it, the check does.
TEST_F(ResticCheck, ADamagedPackFailsTheIntegrityCheckAndItsRepairPassesIt) {
  back_up();
  settings_.check_every = 1ms;
  settings_.check_read = "100%";
  EXPECT_EQ(only_code(run()), "cannot_tell") << "never checked yet";
  auto facts = run_until([](const auto& f) { return f.check_ok != Tristate::unknown; });
  EXPECT_EQ(facts.check_ok, Tristate::yes);
  std::string pack;
  std::uintmax_t size = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.file("repo/data"))) {
    if (!entry.is_regular_file() || entry.file_size() < size) continue;
    size = entry.file_size();
    pack = entry.path();
  }
  fs::copy_file(pack, dir_.file("saved"));
  fs::permissions(pack, fs::perms::owner_write, fs::perm_options::add);
  std::fstream(pack, std::ios::in | std::ios::out | std::ios::binary) << "damage";
  facts = run_until([](const auto& f) { return f.check_ok == Tristate::no; });
  EXPECT_EQ(facts.check_ok, Tristate::no);
  EXPECT_EQ(only_code(run()), "backup.integrity_failed");
  fs::copy_file(dir_.file("saved"), pack, fs::copy_options::overwrite_existing);
  facts = run_until([](const auto& f) { return f.check_ok == Tristate::yes; });
  EXPECT_EQ(only_code(run()), "normal");
}

TEST_F(ResticCheck, ARestoreTestTakesTheFileOutAndComparesIt) {
  back_up();
  settings_.restore_file = dir_.file("data/sample");
  settings_.restore_every = 1ms;
  auto facts = run_until([](const auto& f) { return f.restore_ok != Tristate::unknown; });
  EXPECT_EQ(facts.restore_ok, Tristate::yes);
  EXPECT_LT(check_.clock.wall() - facts.last_restore_test, 1min);
  // The same length and time, other content: what is in the backup is not what is here.
  const auto time = fs::last_write_time(settings_.restore_file);
  write(settings_.restore_file, std::string(300'000, 'x'));
  fs::last_write_time(settings_.restore_file, time);
  facts = run_until([](const auto& f) { return f.restore_ok == Tristate::no; });
  EXPECT_EQ(only_code(run()), "backup.restore_failed");
  for (const auto& entry : fs::directory_iterator("/var/tmp")) {
    EXPECT_FALSE(fs::exists(entry.path().string() + settings_.restore_file))
        << "what was restored is left behind";
  }
}

TEST_F(ResticCheck, AFileThatIsNotInTheBackupFailsTheRestoreTest) {
  back_up();
  settings_.restore_file = dir_.file("data/other");
  const auto facts = run_until([](const auto& f) { return f.restore_ok != Tristate::unknown; });
  EXPECT_EQ(facts.restore_ok, Tristate::no);
}

TEST_F(ResticCheck, WhatWasTestedIsKnownAfterARestart) {
  back_up();
  settings_.check_every = 24h;
  const auto before = run_until([](const auto& f) { return f.check_ok != Tristate::unknown; });
  CheckRun restarted(model::CheckKind::backup_job, "it");
  restarted.definition.deadline = 60s;
  restarted.context.settings.backups = {settings_};
  restarted.context.cursor =
      check_.context.new_cursor ? check_.context.new_cursor : check_.context.cursor;
  const auto after = restarted.facts<BackupJobFacts>();
  EXPECT_EQ(after.last_check, before.last_check);
  EXPECT_EQ(after.check_ok, Tristate::yes);
}

class TsmCheck : public testing::Test {
 protected:
  TsmCheck() : check_(model::CheckKind::backup_job, "tsm1") {
    write(dir_.file("credentials"), "id=tocsin password=hunter2\n");
    settings_.name = "tsm1";
    settings_.tool = BackupTool::tsm;
    settings_.credentials_file = dir_.file("credentials");
    settings_.program = dir_.file("dsmadmc");
    settings_.sources = {"DB01", "MAIL01"};
    check_.clock.set_wall(
        Instant{1'795'428'012'000'000'000});  // as clock.txt: a clock far off is blind
  }
  // The last word is the command; the case picks the documented answer.
  void answer(const std::string& cases) {
    write(settings_.program,
          "#!/bin/sh\ncd " TOCSIN_TEST_DATA "/tsm\ntr '\\0' ' ' </proc/$$/cmdline >>" +
              dir_.file("seen") + "\nfor command; do :; done\ncase $command in\n" + cases +
              "*current_timestamp\\ from*) cat clock.txt ;;\n*'from db') cat database.txt ;;\n"
              "*'from log') cat log.txt ;;\n*stgpools) cat pools.txt ;;\n"
              "*type=admin*) cat admin_events.txt ;;\n*'query event'*) cat client_events.txt ;;\n"
              "*actlog*) cat activity.txt ;;\n*drives*) cat drives.txt ;;\n"
              "*paths*) cat paths.txt ;;\n*volumes*) cat volumes.txt ;;\n"
              "*filespaces*) cat nodes.txt ;;\n*association*) cat associations.txt ;;\n*) exit 2 "
              ";;\nesac\n",
          0700);
  }
  model::Observation run() {
    check_.context.settings.backups = {settings_};
    return check_.run();
  }

  tests::TempDir dir_;
  BackupSettings settings_;
  CheckRun check_;
};

TEST_F(TsmCheck, AsksEverythingAndShowsNoSecret) {
  answer("");
  const auto seen = run();
  ASSERT_EQ(seen.outcome, Outcome::seen) << seen.detail.code;
  const auto& facts = std::get<BackupJobFacts>(seen.facts);
  EXPECT_THAT(facts.blind, testing::IsEmpty());
  EXPECT_EQ(facts.spaces.size(), 5U);
  EXPECT_EQ(facts.schedules.size(), 4U);
  EXPECT_EQ(facts.devices.size(), 4U);
  EXPECT_EQ(facts.errors.size(), 4U);
  EXPECT_EQ(facts.sources.size(), 2U);
  std::ifstream file(dir_.file("seen"));
  const std::string words{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(words, HasSubstr("-credentialsfile="));
  EXPECT_THAT(words, testing::Not(HasSubstr("hunter2")));
}

TEST_F(TsmCheck, WhatIsNotAllowedIsSaidAndTheRestIsSeen) {
  answer("*volumes*) cat not_authorized.txt; exit 9 ;;\n*drives*) cat no_match.txt; exit 11 ;;\n");
  const auto seen = run();
  ASSERT_EQ(seen.outcome, Outcome::seen);
  const auto& facts = std::get<BackupJobFacts>(seen.facts);
  ASSERT_EQ(facts.blind.size(), 1U);
  EXPECT_EQ(facts.blind.front().name, "query volume");
  EXPECT_EQ(facts.devices.size(), 1U);
}

TEST_F(TsmCheck, WhoIsNotLetInAsksOnce) {
  answer("*) cat login_refused.txt; exit 137 ;;\n");
  const auto seen = run();
  EXPECT_EQ(seen.outcome, Outcome::not_permitted);
  EXPECT_EQ(seen.detail.code, "backup.login_refused");
  std::ifstream file(dir_.file("seen"));
  const std::string words{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(words.find("select"), words.rfind("select")) << "an account is locked after some";
}

TEST_F(TsmCheck, AServerThatIsDownIsAFinding) {
  answer("*) cat unreachable.txt; exit 206 ;;\n");
  EXPECT_EQ(only_code(run()), "backup.unreachable");
}

// Its exceptions are none where nothing is to be done.
TEST_F(TsmCheck, OneThatBacksUpNobodyCannotTell) {
  settings_.sources.clear();
  const std::string quiet =
      "*'query event'*|*actlog*|*drives*|*paths*|*volumes*) cat no_match.txt; exit 11 ;;\n"
      "*'from db') echo '20480,10240,2026-11-23 09:00:00.000000' ;;\n"
      "*'from log') echo 100,90 ;;\n*stgpools) echo POOL,12.0 ;;\n";
  answer(quiet);
  EXPECT_EQ(only_code(run()), "normal");
  answer(quiet + "*association*) cat no_match.txt; exit 11 ;;\n");
  const auto judgement = rules::judge(run(), nullptr, {});
  EXPECT_EQ(judgement.verdict, model::Verdict::cannot_tell);
  EXPECT_EQ(judgement.reasons.at(0).code, "backup.nothing_scheduled");
}

// The first question is one that every account may ask.
TEST_F(TsmCheck, OneThatDoesNotAnswerEvenThatSawNothing) {
  answer("*) cat not_authorized.txt; exit 9 ;;\n");
  const auto seen = run();
  EXPECT_EQ(seen.outcome, Outcome::failed);
  EXPECT_EQ(seen.detail.code, "backup.not_answered");
}

TEST_F(TsmCheck, OneThatHangsIsKilledInTime) {
  answer("*) exec sleep 1000 ;;\n");
  check_.definition.deadline = 700ms;
  EXPECT_EQ(run().outcome, Outcome::timed_out);
}

}  // namespace
}  // namespace tocsin::agent
