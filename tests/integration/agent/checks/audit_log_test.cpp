#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/checks/audit_log_facts.hpp"
#include "common/rules/judge.hpp"
#include "tests/integration/agent/checks/check_run.hpp"

namespace tocsin::agent {
namespace {

using model::Tristate;

// procedure M-05, on real files
class AuditLog : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "auditXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "audit.log";
    check_ = std::make_unique<CheckRun>(model::CheckKind::audit_log, path_);
    append("type=USER_START msg=audit(1700000000.001:100): op=start\n");
    look();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
  void overwrite(const std::string& text) {
    std::fstream(path_, std::ios::in | std::ios::out) << text;  // Keeps the inode and the rest.
  }
  model::AuditLogFacts look() { return check_->facts<model::AuditLogFacts>(); }
  std::string read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string records(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) {
      text += "type=USER_LOGIN msg=audit(1700000001.001:" + std::to_string(100 + i) + "): x\n";
    }
    return text;
  }
  void pack(const std::string& text, const std::string& name) const {
    const gzFile out = ::gzopen((folder_ / name).c_str(), "wb");
    ASSERT_EQ(::gzwrite(out, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    ASSERT_EQ(::gzclose(out), Z_OK);
  }
  static void expect_judged(const model::Observation& seen, model::Verdict verdict,
                            const char* code) {
    const model::Judgement judgement = rules::judge(seen, nullptr, model::RuleLimits{});
    EXPECT_EQ(judgement.verdict, verdict) << code;
    ASSERT_FALSE(judgement.reasons.empty());
    EXPECT_EQ(judgement.reasons[0].code, code);
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::unique_ptr<CheckRun> check_;
};

TEST_F(AuditLog, Grows) {
  append("type=USER_LOGIN msg=audit(1700000001.001:101): x\n");
  const auto facts = look();
  EXPECT_EQ(facts.present, Tristate::yes);
  EXPECT_EQ(facts.readable, Tristate::yes);
  EXPECT_TRUE(facts.auditing_was_on);
  EXPECT_FALSE(facts.replaced || facts.shrunk || facts.head_changed || facts.zeroed);
  EXPECT_EQ(facts.sequence_gap, 0U);
  EXPECT_EQ(facts.disk_full, Tristate::no);
  EXPECT_FALSE(facts.boot_id.empty());
  EXPECT_EQ(facts.size_bytes, std::filesystem::file_size(path_));
}

TEST_F(AuditLog, LosesRecordsInTheMiddle) {
  append("type=USER_LOGIN msg=audit(1700000001.001:105): x\n");
  EXPECT_EQ(look().sequence_gap, 4U);
}

TEST_F(AuditLog, LosesALoginInTheMiddleOfWtmp) {
  const std::string file = folder_ / "wtmp";
  const auto write = [&](char login) {
    std::ofstream(file) << std::string(384, 'a') << std::string(384, login)
                        << std::string(384, 'b');
  };
  write('m');
  CheckRun check(model::CheckKind::audit_log, file);
  EXPECT_FALSE(check.facts<model::AuditLogFacts>().zeroed);
  write('\0');
  EXPECT_TRUE(check.facts<model::AuditLogFacts>().zeroed);
}

// procedure M-05: who hides a line in a flood, or auditing switched off
TEST_F(AuditLog, IsReadWholeHoweverMuchCame) {
  const std::string padding(8000, 'x');
  std::string megabyte;
  std::uint64_t serial = 100;
  const auto flood = [&](std::uint64_t bytes, std::uint64_t left_out) {
    for (std::uint64_t written = 0; written < bytes; written += megabyte.size()) {
      megabyte.clear();
      while (megabyte.size() < 1 << 20) {
        if (++serial == left_out) ++serial;
        megabyte +=
            "type=USER msg=audit(1700000001.001:" + std::to_string(serial) + "): " + padding + "\n";
      }
      append(megabyte);
    }
  };
  flood(3 << 20, 333);
  append("type=CONFIG_CHANGE msg=audit(1700000002.001:" + std::to_string(++serial) +
         "): op=set audit_enabled=0 old=1 auid=0 res=1\n");
  auto facts = look();
  EXPECT_EQ(facts.sequence_gap, 1U);
  EXPECT_EQ(facts.recorded_on, Tristate::no);
  EXPECT_EQ(facts.unread, 0U);
  // More than one look takes: the next goes on.
  flood(kMostTrailBytes, serial + 10);
  flood(2 << 20, serial + 10);
  facts = look();
  EXPECT_EQ(facts.sequence_gap, 1U);
  EXPECT_GE(facts.unread, std::uint64_t{2} << 20);
  facts = look();
  EXPECT_EQ(facts.sequence_gap, 1U);
  EXPECT_EQ(facts.unread, 0U);
  EXPECT_EQ(look().sequence_gap, 0U);
}

TEST_F(AuditLog, LosesALoginInTheMiddleOfALongBtmp) {
  constexpr std::uint64_t kSize = 2 * (kNewestLogins + kLoginsInTurn);
  constexpr std::uint64_t kWiped = kSize - kNewestLogins - kLoginBytes;
  const std::string file = folder_ / "btmp";
  std::ofstream(file) << std::string(kSize, 'a');
  CheckRun check(model::CheckKind::audit_log, file);
  for (int looks = 0; looks < 3; ++looks) {
    const auto facts = check.facts<model::AuditLogFacts>();
    EXPECT_FALSE(facts.zeroed);
    EXPECT_EQ(facts.unread > 0, looks < 2) << looks;
  }
  std::fstream(file, std::ios::in | std::ios::out).seekp(kWiped) << std::string(kLoginBytes, '\0');
  bool found = false;
  for (int looks = 0; looks < 4; ++looks) {
    const bool zeroed = check.facts<model::AuditLogFacts>().zeroed;
    EXPECT_TRUE(zeroed || !found) << "what was found stays";
    found = zeroed;
  }
  EXPECT_TRUE(found);
}

TEST_F(AuditLog, IsTruncated) {
  std::filesystem::resize_file(path_, 0);
  const auto facts = look();
  EXPECT_TRUE(facts.shrunk);
  EXPECT_FALSE(facts.rotated_sibling);
  EXPECT_TRUE(facts.auditing_was_on);
  EXPECT_EQ(facts.size_bytes, 0U);
}

TEST_F(AuditLog, IsRotatedByCopyAndTruncate) {
  std::filesystem::copy_file(path_, folder_ / "audit.log.1");
  std::filesystem::resize_file(path_, 0);
  const auto facts = look();
  EXPECT_TRUE(facts.shrunk);
  EXPECT_TRUE(facts.rotated_sibling);
}

TEST_F(AuditLog, IsRotatedByCopyAndHasOutgrownTheOldOneSince) {
  std::filesystem::copy_file(path_, folder_ / "audit.log-20261122");
  std::filesystem::resize_file(path_, 0);
  append(std::string(6000, 'n'));
  const auto facts = look();
  EXPECT_FALSE(facts.shrunk);
  EXPECT_TRUE(facts.head_changed);
  EXPECT_TRUE(facts.rotated_sibling);
}

TEST_F(AuditLog, IsRotatedByRenameAndCreate) {
  std::filesystem::rename(path_, folder_ / "audit.log.1");
  append(std::string(6000, 'n'));
  const auto facts = look();
  EXPECT_TRUE(facts.replaced);
  EXPECT_TRUE(facts.rotated_sibling);
}

// As logrotate does without delaycompress: a compressed file keeps the time of the last record.
TEST_F(AuditLog, IsRotatedAndCompressedAtOnce) {
  pack(read(), "audit.log-20261122.gz");
  std::filesystem::last_write_time(folder_ / "audit.log-20261122.gz",
                                   std::filesystem::last_write_time(path_) - std::chrono::hours(1));
  std::filesystem::remove(path_);
  std::ofstream(path_).flush();
  const auto facts = look();
  EXPECT_TRUE(facts.replaced || facts.shrunk);
  EXPECT_TRUE(facts.rotated_sibling);
  EXPECT_TRUE(look().rotated_sibling) << "while it is empty";
}

// procedure M-05: more was written before it was rotated, and it has whole blocks
TEST_F(AuditLog, IsRotatedWithMoreThanWasSeenAndCompressed) {
  append(records(4000));
  look();
  append(records(20));
  pack(read(), "audit.log.1.gz");
  std::filesystem::resize_file(path_, 0);
  EXPECT_TRUE(look().rotated_sibling);
}

// procedure M-05: `echo x | gzip >auth.log.7.gz; : >auth.log`
TEST_F(AuditLog, APackedPartThatHoldsSomethingElseExplainsNothing) {
  append(records(4000));
  look();
  const std::string content = read();
  pack("x\n", "audit.log.7.gz");
  pack(content.substr(0, content.size() - 10'000), "audit.log.6.gz");
  pack(content.substr(0, 100'000) + std::string(content.size() - 100'000, 'x'), "audit.log.5.gz");
  std::ofstream(folder_ / "audit.log.4.gz") << "\x1f\x8b, and what it holds";
  std::filesystem::resize_file(path_, 0);
  const model::Observation seen = check_->run();
  EXPECT_FALSE(std::get<model::AuditLogFacts>(seen.facts).rotated_sibling);
  EXPECT_FALSE(std::get<model::AuditLogFacts>(seen.facts).packed_sibling);
  expect_judged(seen, model::Verdict::abnormal, "audit.emptied");
}

TEST_F(AuditLog, WhatAnotherPackerPackedCannotBeTold) {
  std::ofstream(folder_ / "audit.log.1.xz") << "\xfd"
                                               "7zXZ";
  std::filesystem::resize_file(path_, 0);
  for (int looks = 0; looks < 2; ++looks) {
    expect_judged(check_->run(), model::Verdict::cannot_tell, "audit.cannot_tell");
  }
}

// procedure M-05: `sed -i '/x/d' audit.log`, with or without a copy beside it
TEST_F(AuditLog, IsWrittenAgainWithoutARecord) {
  for (const int count : {3, 40, 4000}) {
    for (const bool kept : {false, true}) {
      for (const bool in_place : {false, true}) {
        if (in_place && !kept) continue;  // It shrank, and is found for that.
        const std::string log = folder_ / ("log" + std::to_string(count) + (kept ? "k" : "d"));
        const std::string content = records(count);
        std::ofstream(log) << content;
        CheckRun check(model::CheckKind::audit_log, log);
        check.run();
        if (kept && in_place) std::filesystem::copy_file(log, log + ".1");
        if (kept && !in_place) std::filesystem::rename(log, log + ".bak");
        const std::size_t out = content.find('\n', content.size() / 2);
        const std::size_t end = content.find('\n', out + 1);
        std::string edited = content.substr(0, out) + content.substr(end);
        edited += "new: 1700009999\n";
        std::ofstream(in_place ? log : log + "tmp") << edited;
        if (!in_place) std::filesystem::rename(log + "tmp", log);
        SCOPED_TRACE(count + (kept ? 1 : 0) + (in_place ? 1 : 0));
        expect_judged(check.run(), model::Verdict::abnormal, "audit.edited");
        expect_judged(check.run(), model::Verdict::normal, "audit.ok");
        for (const char* name : {"", ".1", ".bak"}) std::filesystem::remove(log + name);
      }
    }
  }
}

// An editor that saved it as it was, or a move to another disk.
TEST_F(AuditLog, IsWrittenAgainAsItWas) {
  append(records(4000));
  look();
  std::filesystem::copy_file(path_, folder_ / "other");
  std::filesystem::rename(folder_ / "other", path_);
  append(records(1));
  const auto facts = look();
  EXPECT_TRUE(facts.replaced);
  EXPECT_FALSE(facts.old_part_only);
}

// procedure M-05: the old records are all gone, and of the new ones one is
TEST_F(AuditLog, IsReplacedByOneWithAGap) {
  std::ofstream(folder_ / "other") << "type=A msg=audit(1700000005.001:200): x\n"
                                   << "type=A msg=audit(1700000006.001:202): x\n";
  std::filesystem::rename(folder_ / "other", path_);
  expect_judged(check_->run(), model::Verdict::abnormal, "audit.gap");
}

TEST_F(AuditLog, AnEmptyOrForeignArchiveExplainsNothing) {
  std::ofstream(folder_ / "audit.log.1.gz").flush();
  std::ofstream(folder_ / "other.log.1.gz") << "content";
  std::filesystem::create_directory(folder_ / "audit.log.2.gz");
  std::filesystem::resize_file(path_, 0);
  EXPECT_FALSE(look().rotated_sibling);
}

// Two logs of one program that begin the same.
TEST_F(AuditLog, AnotherLogWhoseNameBeginsTheSameExplainsNothing) {
  const std::string one = folder_ / "log-1";
  std::ofstream(one) << "the same beginning\n";
  std::ofstream(folder_ / "log-10") << "the same beginning\nand more\n";
  CheckRun check(model::CheckKind::audit_log, one);
  check.run();
  std::filesystem::resize_file(one, 0);
  const auto facts = check.facts<model::AuditLogFacts>();
  EXPECT_TRUE(facts.shrunk);
  EXPECT_FALSE(facts.rotated_sibling);
}

TEST_F(AuditLog, ACopyUnderANameThatPeopleGiveExplainsIt) {
  for (const char* ending : {".old", "-before-upgrade", "~", "_1"}) {
    const std::string log = folder_ / ("log" + std::string(ending).substr(1) + "x");
    std::ofstream(log) << "what it held\n";
    CheckRun check(model::CheckKind::audit_log, log);
    check.run();
    std::filesystem::copy_file(log, log + ending);
    std::filesystem::resize_file(log, 0);
    EXPECT_TRUE(check.facts<model::AuditLogFacts>().rotated_sibling) << ending;
  }
}

TEST_F(AuditLog, HasARecordForgedInItsMiddle) {
  std::string records;
  for (int i = 0; i < 4000; ++i) records += "type=USER_LOGIN msg=audit(1700000001.001:101): x\n";
  append(records);
  EXPECT_FALSE(look().content_changed);
  std::fstream file(path_, std::ios::in | std::ios::out);
  file.seekp(70'000) << "type=CRYPTO";
  file.close();
  const auto facts = look();
  EXPECT_TRUE(facts.content_changed);
  EXPECT_FALSE(facts.head_changed);
  EXPECT_LE(facts.changed_from, 70'000U);
  EXPECT_GT(facts.changed_to, 70'000U);
  EXPECT_EQ(facts.covered_bytes, facts.size_bytes);
  EXPECT_FALSE(look().content_changed);
}

TEST_F(AuditLog, ATableThatIsWrittenAnywhereInItIsNotCompared) {
  const std::string table = folder_ / "lastlog";
  std::ofstream(table) << std::string(100'000, 'a');
  CheckRun check(model::CheckKind::audit_log, table);
  check.run();
  std::fstream(table, std::ios::in | std::ios::out).seekp(50'000) << "changed";
  const auto facts = check.facts<model::AuditLogFacts>();
  EXPECT_FALSE(facts.content_changed);
  EXPECT_EQ(facts.covered_bytes, 0U);
}

TEST_F(AuditLog, RecordsThatAuditingWasTurnedOff) {
  append(
      "type=CONFIG_CHANGE msg=audit(1700000001.001:101): op=set audit_enabled=0 old=1 "
      "auid=0 ses=1 res=1\n");
  EXPECT_EQ(look().recorded_on, Tristate::no);
  append("type=SYSCALL msg=audit(1700000001.001:101): arch=c000003e syscall=44\n");
  EXPECT_EQ(look().recorded_on, Tristate::no);
  append("type=USER_LOGIN msg=audit(1700000002.001:102): x\n");
  EXPECT_EQ(look().recorded_on, Tristate::yes);
}

TEST_F(AuditLog, IsReplacedAndTheOldOneIsGone) {
  const auto other = folder_ / "other";
  std::ofstream(other) << "forged\n";
  std::filesystem::rename(other, path_);
  const auto facts = look();
  EXPECT_TRUE(facts.replaced);
  EXPECT_FALSE(facts.rotated_sibling);
}

TEST_F(AuditLog, ACopyThatLacksItsEndExplainsNothing) {
  std::filesystem::copy_file(path_, folder_ / "audit.log.1");
  std::filesystem::resize_file(folder_ / "audit.log.1", 10);
  std::filesystem::resize_file(path_, 0);
  EXPECT_FALSE(look().rotated_sibling);
}

// logrotate's copytruncate, with a look between the copy and the cut.
class CopiedAuditLog : public AuditLog {
 protected:
  static constexpr char kLine[] = "type=USER_LOGIN msg=audit(1700000001.001:101): x\n";

  void copy() { std::filesystem::copy_file(path_, folder_ / "audit.log.1"); }
  void cut() { std::filesystem::resize_file(path_, 0); }
  model::Judgement judged() { return rules::judge(check_->run(), nullptr, model::RuleLimits{}); }
  // As if every line so far had been seen that long ago.
  void age(Duration by) {
    auto position = parse_audit_position(*check_->context.new_cursor);
    ASSERT_TRUE(position);
    for (LineEnd& end : position->ends.ends) end.seen = end.seen - by;
    check_->context.new_cursor = to_text(*position);
  }
  void expect_uncopied(std::size_t bytes) {
    const model::Judgement judgement = judged();
    EXPECT_EQ(judgement.verdict, model::Verdict::cannot_tell);
    ASSERT_FALSE(judgement.reasons.empty());
    EXPECT_EQ(judgement.reasons[0].code, "audit.uncopied");
    EXPECT_NE(
        std::find(judgement.reasons[0].parameters.begin(), judgement.reasons[0].parameters.end(),
                  model::Parameter{"bytes", std::to_string(bytes)}),
        judgement.reasons[0].parameters.end());
  }
  void expect_found(const char* code) {
    const model::Judgement judgement = judged();
    EXPECT_EQ(judgement.verdict, model::Verdict::abnormal);
    ASSERT_FALSE(judgement.reasons.empty());
    EXPECT_EQ(judgement.reasons[0].code, code);
  }
};

TEST_F(CopiedAuditLog, LosesALineBetweenTheCopyAndTheCut) {
  age(1h);
  copy();
  append(kLine);
  look();
  cut();
  expect_uncopied(sizeof kLine - 1);
  append(kLine);
  expect_uncopied(sizeof kLine - 1);
}

// As it is where the agent comes late: the log has been written to since.
TEST_F(CopiedAuditLog, LosesALineAndHasGrownSince) {
  std::string records;
  for (int i = 0; i < 5000; ++i) records += kLine;  // 240 KiB: whole blocks, and a rest
  append(records);
  look();
  age(1h);
  copy();
  append(kLine);
  look();
  cut();
  append("type=OTHER msg=audit(1700000009.001:900): y\n" + std::string(6000, 'n') + "\n");
  expect_uncopied(sizeof kLine - 1);
}

// A block boundary within what is missing.
TEST_F(CopiedAuditLog, LosesLinesAroundTheEndOfABlock) {
  const std::size_t have = std::filesystem::file_size(path_);
  append(std::string(2 * kPrefixBlock - have - 11, 'x') + "\n");
  look();
  age(1h);
  copy();
  append("0123456789\n0123456789\n");
  look();
  cut();
  expect_uncopied(22);
}

TEST_F(CopiedAuditLog, LacksALineThatWasSeenBeforeTheCopy) {
  append(kLine);
  look();
  age(1h);
  copy();
  std::filesystem::resize_file(folder_ / "audit.log.1",
                               std::filesystem::file_size(path_) - (sizeof kLine - 1));
  cut();
  expect_found("audit.emptied");
}

TEST_F(CopiedAuditLog, LosesMoreThanARotationDoes) {
  age(1h);
  copy();
  for (std::size_t i = 0; i <= kEndLines; ++i) append("x\n");
  look();
  cut();
  expect_found("audit.emptied");
}

TEST_F(CopiedAuditLog, HasACopyWithAnotherByteInItsMiddle) {
  std::string records;
  for (int i = 0; i < 5000; ++i) records += kLine;
  append(records);
  look();
  age(1h);
  copy();
  std::fstream(folder_ / "audit.log.1", std::ios::in | std::ios::out).seekp(99'000) << 'X';
  append(kLine);
  look();
  cut();
  expect_found("audit.emptied");
}

// The log is not begun anew but keeps its beginning: nothing that rotates a log does that.
TEST_F(CopiedAuditLog, IsCutInItsMiddle) {
  append(kLine);
  look();
  age(1h);
  copy();
  append(kLine);
  look();
  std::filesystem::resize_file(path_, sizeof kLine);
  expect_found("audit.shrunk");
}

TEST_F(CopiedAuditLog, IsReplacedBesideACopyThatLacksALine) {
  age(1h);
  copy();
  append(kLine);
  look();
  std::filesystem::rename(path_, folder_ / "elsewhere");
  std::ofstream(path_).flush();
  expect_found("audit.emptied");
}

// A whole copy is the better one, also where another lacks a line.
TEST_F(CopiedAuditLog, HasAWholeCopyToo) {
  age(1h);
  copy();
  append(kLine);
  look();
  std::filesystem::copy_file(path_, folder_ / "audit.log.2");
  cut();
  EXPECT_EQ(judged().verdict, model::Verdict::normal);
}

TEST_F(AuditLog, IsOverwrittenWithNothing) {
  overwrite(std::string(std::filesystem::file_size(path_), '\0'));
  const auto facts = look();
  EXPECT_TRUE(facts.zeroed);
  EXPECT_TRUE(facts.head_changed);
}

TEST_F(AuditLog, HasItsBeginningForged) {
  overwrite("type=FORGED");
  EXPECT_TRUE(look().head_changed);
}

TEST_F(AuditLog, IsRemovedAndCreatedAgain) {
  std::filesystem::rename(path_, folder_ / "elsewhere");
  const auto gone = look();
  EXPECT_EQ(gone.present, Tristate::no);
  EXPECT_TRUE(gone.auditing_was_on);
  append("new\n");
  const auto back = look();
  EXPECT_TRUE(back.replaced);
  EXPECT_FALSE(back.rotated_sibling);
}

// A link could lead the agent to any file; a pipe could keep it waiting.
TEST_F(AuditLog, IsNeverReadThroughALinkOrAPipe) {
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("/etc/passwd", path_);
  EXPECT_EQ(check_->run().outcome, model::Outcome::failed);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(check_->run().outcome, model::Outcome::failed);
}

TEST_F(AuditLog, ARelativePathIsRefused) {
  CheckRun check(model::CheckKind::audit_log, "etc/passwd");
  EXPECT_EQ(check.run().outcome, model::Outcome::failed);
}

TEST_F(AuditLog, AHostWithoutAJournalSaysSo) {
  CheckRun check(model::CheckKind::audit_log, "journal", folder_);
  const auto facts = check.facts<model::AuditLogFacts>();
  EXPECT_EQ(facts.present, Tristate::no);
  EXPECT_EQ(facts.source, "journal");
}

}  // namespace
}  // namespace tocsin::agent
