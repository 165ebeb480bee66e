// procedure M-10: what a round of a virus scan looks at, what it leaves out and says so, and where
// the next one goes on. The files are real; the scanner is one that remembers what it was asked.
#include "agent/checks/antivirus_round.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using model::AntivirusFacts;
using model::FolderUnseen;
using model::UnseenFolder;
using model::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RememberingScanner final : public Scanner {
 public:
  Status ask_version(AntivirusFacts&) override { return {}; }
  ScanAnswer scan(const std::string& path, const os::Fd&, Duration) override {
    asked.push_back(path);
    if (meanwhile) meanwhile(path);
    if (!fs::exists(path)) return {ScanAnswer::Kind::error, "no such file"};
    std::string text;
    std::ifstream(path) >> text;
    if (text == "broken") return {ScanAnswer::Kind::error, "cannot be scanned"};
    if (text == "evil") return {ScanAnswer::Kind::infected, "Evil"};
    return {ScanAnswer::Kind::clean, {}};
  }
  std::vector<std::string> asked;
  std::function<void(const std::string&)> meanwhile;
};

class LaterTime final : public time::TimeSource {
 public:
  Instant wall() const override { return system_.wall(); }
  MonoTime steady() const override { return system_.steady() + later; }
  Duration later{};

 private:
  time::SystemTime system_;
};

// A host without programs, so that a round is about what lies in its folders.
class Host {
 public:
  Host() {
    fs::create_directory(dir_.file("proc"));
    fs::create_directory(dir_.file("srv"));
    settings().folders = {"/srv"};
    definition_.deadline = 60s;
  }
  AntivirusSettings& settings() { return context_.settings.antivirus; }
  std::string path(const std::string& name) const { return dir_.path() + "/srv/" + name; }
  std::string root() const { return dir_.path(); }
  void put(const std::string& name, const std::string& text = "good") const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  // Signatures that a scanner of today says are an hour old.
  AntivirusFacts round() {
    scanner.asked.clear();
    AntivirusFacts facts;
    facts.engine = "remembering";
    facts.scanner_available = model::Tristate::yes;
    facts.signatures_version = signatures;
    facts.signatures_at = made_at_;
    return scan_round(Run(definition_, context_), context_, scanner, memory, std::move(facts));
  }
  // The agent, or the whole host, starts anew: what is left is what the cursor holds.
  void restart() {
    AntivirusMemory fresh;
    fresh.past = parse_antivirus_past(to_text(memory.past)).value();
    memory = std::move(fresh);
  }
  model::Judgement judged(const AntivirusFacts& facts) const {
    model::Observation seen;
    seen.check.kind = model::CheckKind::antivirus;
    seen.at = time.wall();
    seen.facts = facts;
    return rules::judge(seen, nullptr, {});
  }

  LaterTime time;
  RememberingScanner scanner;
  AntivirusMemory memory;
  std::string signatures = "1";

 private:
  const tests::TempDir dir_ = tests::TempDir::in_memory();
  CheckContext context_{time, {}, dir_.path(), {}, {}, {}, {}};
  model::CheckDefinition definition_;
  const Instant made_at_ = time.wall() - 1h;
};

// ---- what is known costs nothing, and not for ever

TEST(AntivirusRound, WhatWasCleanIsAskedAboutAgainWithOtherSignaturesOrAfterADay) {
  Host host;
  host.put("a");
  host.put("b/c");
  const auto both = UnorderedElementsAre(host.path("a"), host.path("b/c"));
  EXPECT_EQ(host.round().scanned, 2U);
  EXPECT_THAT(host.scanner.asked, both);
  EXPECT_EQ(host.round().scanned, 2U);
  EXPECT_THAT(host.scanner.asked, IsEmpty());
  host.signatures = "2";
  host.round();
  EXPECT_THAT(host.scanner.asked, both) << "new signatures";
  host.time.later = 23h;
  host.round();
  EXPECT_THAT(host.scanner.asked, IsEmpty());
  host.time.later = 25h;
  host.round();
  EXPECT_THAT(host.scanner.asked, both) << "a day later, whatever the scanner says of its version";
  host.put("a", "other");
  host.round();
  EXPECT_THAT(host.scanner.asked, ElementsAre(host.path("a")));
}

// Of files that are there no more nothing is remembered.
TEST(AntivirusRound, ForgetsWhatIsGone) {
  Host host;
  host.put("a");
  host.put("b", "evil");
  host.round();
  EXPECT_EQ(host.memory.clean.size() + host.memory.past.infected.size(), 2U);
  fs::remove(host.path("a"));
  fs::remove(host.path("b"));
  EXPECT_THAT(host.round().hits, IsEmpty());
  EXPECT_EQ(host.memory.clean.size() + host.memory.past.infected.size(), 0U);
}

// Whatever the tree and the budget: n files take n / budget rounds, and then one round has seen
// them all.
RC_GTEST_PROP(AntivirusRoundProperty, EveryFileHasItsTurn, ()) {
  Host host;
  const int files = *rc::gen::inRange(1, 25);
  for (int i = 0; i < files; ++i) {
    std::string name;
    for (int depth = *rc::gen::inRange(0, 4); depth > 0; --depth) {
      name += *rc::gen::element<std::string>("a/", "a.b/", "b/", "-/");
    }
    host.put(name + std::to_string(i));
  }
  fs::create_directories(host.root() + "/tmp");
  std::ofstream(host.root() + "/tmp/x") << "good";
  host.settings().folders = {"/srv", "/tmp"};
  const int all = files + 1;
  const int budget = *rc::gen::inRange(1, 12);
  host.settings().most_files = static_cast<std::uint32_t>(budget);
  std::set<std::string> asked;
  const int rounds = (all + budget - 1) / budget;
  for (int i = 1; i <= rounds; ++i) {
    const AntivirusFacts facts = host.round();
    RC_ASSERT(host.scanner.asked.size() <= static_cast<std::size_t>(budget));
    asked.insert(host.scanner.asked.begin(), host.scanner.asked.end());
    RC_ASSERT(facts.budget_exhausted == (i < rounds));
  }
  RC_ASSERT(asked.size() == static_cast<std::size_t>(all));
  RC_ASSERT(host.round().scanned == static_cast<std::uint32_t>(all));
}

// More than fits, all of it infected: known or not, nothing keeps the others from their turn.
TEST(AntivirusRound, WhatIsAskedAboutEachTimeKeepsNobodyFromItsTurn) {
  Host host;
  std::set<std::string> asked;
  for (int i = 0; i < 9; ++i) host.put(std::to_string(i), "evil");
  host.settings().most_files = 3;
  for (int i = 0; i < 3; ++i) {
    host.round();
    asked.insert(host.scanner.asked.begin(), host.scanner.asked.end());
  }
  EXPECT_EQ(asked.size(), 9U);
}

TEST(AntivirusRound, BytesAreABudgetToo) {
  Host host;
  for (int i = 0; i < 4; ++i) host.put(std::to_string(i), "12345");
  host.settings().most_bytes = 6;
  EXPECT_TRUE(host.round().budget_exhausted);
  EXPECT_EQ(host.scanner.asked.size(), 2U);
  EXPECT_FALSE(host.round().budget_exhausted);
  EXPECT_THAT(host.scanner.asked, ElementsAre(host.path("2"), host.path("3")));
}

// What was found stays so until its file was looked at again, or is known to be gone.
TEST(AntivirusRound, AnUnfinishedRoundKeepsWhatEarlierOnesFound) {
  Host host;
  host.put("a", "evil");
  for (int i = 0; i < 4; ++i) host.put("b" + std::to_string(i));
  host.settings().most_files = 2;
  for (int i = 0; i < 3; ++i) {
    const AntivirusFacts facts = host.round();
    ASSERT_EQ(facts.hits.size(), 1U) << "round " << i;
    EXPECT_EQ(facts.hits[0].path, "/srv/a");
  }
  fs::remove(host.path("a"));
  EXPECT_THAT(host.round().hits, IsEmpty());
}

TEST(AntivirusRound, AnUnfinishedRoundAfterARestartKeepsThemToo) {
  Host host;
  for (int i = 0; i < 4; ++i) host.put("a" + std::to_string(i));
  host.put("z", "evil");
  EXPECT_EQ(host.round().hits.size(), 1U);
  host.restart();
  host.settings().most_files = 2;
  const AntivirusFacts facts = host.round();
  EXPECT_TRUE(facts.budget_exhausted);
  ASSERT_EQ(facts.hits.size(), 1U);
  EXPECT_EQ(facts.hits[0].path, "/srv/z");
  // On a disk that has another number since, it is the same file, and told once.
  host.restart();
  auto moved = host.memory.past.infected.extract(host.memory.past.infected.begin());
  ++moved.key().first;
  host.memory.past.infected.insert(std::move(moved));
  host.put("0", "evil");
  fs::rename(host.path("z"), host.path("1"));
  host.memory.past.infected.begin()->second.path = "/srv/1";
  const AntivirusFacts again = host.round();
  EXPECT_TRUE(again.budget_exhausted);
  EXPECT_EQ(again.hits.size(), 2U);
}

// Of what there was no room to keep a whole round must tell.
TEST(AntivirusRound, WhatWasFoundAndNotKeptIsMissedUntilARoundIsComplete) {
  Host host;
  for (int i = 0; i < 4; ++i) host.put(std::to_string(i));
  host.memory.past.infected_over_limit = 5;
  host.settings().most_files = 2;
  EXPECT_EQ(host.round().hits_over_limit, 5U);
  EXPECT_EQ(host.round().hits_over_limit, 0U);
}

TEST(AntivirusRound, AnInfectedFileThatGrowsTooLargeIsStillOne) {
  Host host;
  host.put("a", "evil");
  host.settings().file_bytes = 8;
  EXPECT_EQ(host.round().hits.size(), 1U);
  host.put("a", "evil and more than eight bytes");
  host.restart();
  const AntivirusFacts facts = host.round();
  EXPECT_EQ(facts.too_large, 1U);
  EXPECT_EQ(facts.hits.size(), 1U);
  host.put("a", "good");
  EXPECT_THAT(host.round().hits, IsEmpty());
}

// ---- what is not looked at is said

TEST(AntivirusRound, AFolderThatASiteNamesMustBeThere) {
  Host host;
  host.put("a", "evil");
  EXPECT_EQ(host.judged(host.round()).verdict, Verdict::abnormal);
  fs::rename(host.root() + "/srv", host.root() + "/elsewhere");
  const AntivirusFacts facts = host.round();
  EXPECT_THAT(facts.folders_unseen, ElementsAre(UnseenFolder{"/srv", FolderUnseen::absent}));
  const model::Judgement judgement = host.judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_FALSE(looked_at(judgement, "malware.found", "/srv/a")) << "the finding stays open";
  fs::remove_all(host.root() + "/elsewhere");
  std::ofstream(host.root() + "/srv") << "no folder";
  EXPECT_THAT(host.round().folders_unseen, ElementsAre(UnseenFolder{"/srv", FolderUnseen::absent}));
}

// A host without cron is none with a folder missing, until it had one.
TEST(AntivirusRound, AUsualFolderNeedNotBeThereButIsMissedWhenItGoes) {
  Host host;
  host.settings().folders = AntivirusSettings{}.folders;
  fs::create_directories(host.root() + "/tmp");
  std::ofstream(host.root() + "/tmp/x") << "good";
  EXPECT_EQ(host.judged(host.round()).verdict, Verdict::normal);
  fs::remove_all(host.root() + "/tmp");
  EXPECT_THAT(host.round().folders_unseen, ElementsAre(UnseenFolder{"/tmp", FolderUnseen::absent}));
  host.restart();
  EXPECT_THAT(host.round().folders_unseen, ElementsAre(UnseenFolder{"/tmp", FolderUnseen::absent}));
}

// The way to say that a folder is gone for good.
TEST(AntivirusRound, AFolderThatIsNamedNoMoreIsNotMissed) {
  Host host;
  fs::create_directories(host.root() + "/tmp");
  host.put("a");
  host.settings().folders = {"/srv", "/tmp"};
  host.round();
  EXPECT_EQ(host.memory.past.folders.size(), 2U);
  host.settings().folders = {"/srv"};
  EXPECT_THAT(host.round().folders_unseen, IsEmpty());
  EXPECT_EQ(host.memory.past.folders.size(), 1U);
}

// In a process of its own, whose mounts nobody else sees. Which step failed, 0 for none.
int unmount_is_said() {
  if (::unshare(CLONE_NEWNS) != 0) return 1;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
  Host host;
  const std::string folder = host.root() + "/srv";
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, nullptr) != 0) return 3;
  host.put("a", "evil");
  const AntivirusFacts before = host.round();
  if (before.hits.size() != 1 || !before.folders_unseen.empty()) return 4;
  if (::umount(folder.c_str()) != 0) return 5;
  host.put("b");
  const AntivirusFacts after = host.round();
  const std::vector<UnseenFolder> unmounted{{"/srv", FolderUnseen::unmounted}};
  if (after.folders_unseen != unmounted || after.scanned != 1) return 6;
  if (looked_at(host.judged(after), "malware.found", "/srv/a")) return 7;
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, nullptr) != 0) return 8;
  host.put("b");
  if (host.judged(host.round()).verdict != Verdict::normal) return 9;
  // A host that starts anew without its disk has not become clean by that.
  host.put("a", "evil");
  if (host.round().hits.size() != 1) return 10;
  if (::umount(folder.c_str()) != 0) return 11;
  host.restart();
  const AntivirusFacts anew = host.round();
  if (anew.folders_unseen != unmounted) return 12;
  if (looked_at(host.judged(anew), "malware.found", "/srv/a")) return 13;
  return 0;
}

TEST(AntivirusRoundDeathTest, AFolderWhoseFileSystemWasUnmountedIsNotCleanForIt) {
  EXPECT_EXIT(::_exit(unmount_is_said()), testing::ExitedWithCode(0), "");
}

TEST(AntivirusRound, MoreNamesThanAreReadAreCounted) {
  Host host;
  for (int i = 0; i < (1 << 14) + 5; ++i) {
    ASSERT_EQ(::symlink("nowhere", host.path(std::to_string(i)).c_str()), 0);
  }
  const AntivirusFacts facts = host.round();
  EXPECT_EQ(facts.names_over_limit, 5U);
  EXPECT_EQ(facts.scanned, 0U);
  EXPECT_EQ(host.judged(facts).verdict, Verdict::cannot_tell);
}

TEST(AntivirusRound, AFolderThatLiesTooDeepIsSaid) {
  Host host;
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "d/";
  host.put(deep + "x", "evil");
  host.put("y");
  const AntivirusFacts facts = host.round();
  ASSERT_EQ(facts.folders_unseen.size(), 1U);
  EXPECT_EQ(facts.folders_unseen[0].why, FolderUnseen::too_deep);
  EXPECT_EQ("/srv/" + deep, facts.folders_unseen[0].path + "/");
}

TEST(AntivirusRound, AFileThatTheScannerCannotReadIsAnError) {
  Host host;
  host.put("a", "broken");
  host.put("b");
  const AntivirusFacts facts = host.round();
  EXPECT_EQ(facts.errors, 1U);
  EXPECT_EQ(facts.scanned, 1U);
}

TEST(AntivirusRound, AHostWhoseProgramsCannotBeSeenCannotTell) {
  Host host;
  host.put("a");
  EXPECT_EQ(host.judged(host.round()).verdict, Verdict::normal);
  fs::remove(host.root() + "/proc");
  const AntivirusFacts facts = host.round();
  EXPECT_TRUE(facts.programs_unseen);
  EXPECT_EQ(host.judged(facts).verdict, Verdict::cannot_tell);
}

// In a process of its own, which may not read all. Which step failed, 0 for none.
int unreadable_is_said() {
  ::setenv("TMPDIR", "/tmp", 1);  // Another may lie where nobody else can look.
  Host host;
  host.put("a");
  host.put("b");
  fs::create_directories(host.root() + "/proc/77");
  fs::create_symlink(host.path("a"), host.root() + "/proc/77/exe");
  if (::chmod(host.root().c_str(), 0755) != 0) return 1;
  if (host.judged(host.round()).verdict != Verdict::normal) return 2;
  const auto seen_by_nobody = [&] {
    if (::seteuid(65534) != 0) ::_exit(3);
    host.signatures += "1";
    const AntivirusFacts facts = host.round();
    if (::seteuid(0) != 0) ::_exit(4);
    return facts;
  };
  if (::chmod(host.path("b").c_str(), 0) != 0) return 5;
  const AntivirusFacts of_file = seen_by_nobody();
  if (of_file.unreadable != 1 || of_file.scanned != 1) return 6;
  if (host.judged(of_file).verdict != Verdict::cannot_tell) return 7;
  if (::chmod(host.path("b").c_str(), 0644) != 0) return 8;
  if (host.judged(seen_by_nobody()).verdict != Verdict::normal) return 9;
  if (::chmod((host.root() + "/proc/77").c_str(), 0700) != 0) return 10;
  const AntivirusFacts of_program = seen_by_nobody();
  if (of_program.unreadable != 1) return 11;
  return host.judged(of_program).verdict == Verdict::cannot_tell ? 0 : 12;
}

TEST(AntivirusRoundDeathTest, WhatTheAgentMayNotReadIsNotClean) {
  EXPECT_EXIT(::_exit(unreadable_is_said()), testing::ExitedWithCode(0), "");
}

TEST(AntivirusRound, EmptyFoldersAreNoScan) {
  Host host;
  EXPECT_EQ(host.judged(host.round()).verdict, Verdict::cannot_tell);
}

// ---- what is no fault

TEST(AntivirusRound, AFileThatGoesMeanwhileIsNone) {
  Host host;
  for (const char* name : {"a", "b", "c", "d/e"}) host.put(name);
  host.scanner.meanwhile = [&](const std::string& path) {
    if (path != host.path("a")) return;
    fs::remove(path);                // while it is scanned
    fs::remove(host.path("b"));      // before it is opened
    fs::remove_all(host.path("d"));  // before it is looked into
  };
  const AntivirusFacts facts = host.round();
  EXPECT_THAT(host.scanner.asked, ElementsAre(host.path("a"), host.path("c")));
  EXPECT_EQ(facts.errors + facts.skipped, 0U);
  EXPECT_THAT(facts.folders_unseen, IsEmpty());
  EXPECT_EQ(host.judged(facts).verdict, Verdict::normal);
}

TEST(AntivirusRound, OneThatIsExchangedWhileItIsScannedIsLeftOut) {
  Host host;
  host.put("a", "broken");
  host.put("b");
  host.scanner.meanwhile = [&](const std::string& path) {
    if (path != host.path("a")) return;
    host.put("new", "evil");
    fs::rename(host.path("new"), path);
    std::ofstream(host.path("a")) << "broken";
  };
  const AntivirusFacts facts = host.round();
  EXPECT_EQ(facts.skipped, 1U);
  EXPECT_EQ(facts.errors, 0U);
}

TEST(AntivirusRound, PipesSocketsAndLinksAreNoFilesToScan) {
  Host host;
  ASSERT_EQ(::mkfifo(host.path("pipe").c_str(), 0666), 0);
  fs::create_symlink("/etc/passwd", host.path("link"));
  fs::create_symlink("/etc", host.path("folder"));
  host.put("a");
  const AntivirusFacts facts = host.round();
  EXPECT_THAT(host.scanner.asked, ElementsAre(host.path("a")));
  EXPECT_EQ(facts.errors + facts.skipped, 0U);
}

}  // namespace
}  // namespace tocsin::agent
