#include "agent/tail/tail.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using Records = std::vector<std::string>;

class Tail : public testing::Test {
 protected:
  void append(const std::string& text, const std::string& name = "app.log") {
    std::ofstream(folder_.file(name), std::ios::app | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) {
    fs::rename(folder_.file(from), folder_.file(to));
  }
  Records look() {
    Records records;
    const auto outcome = read_tail(folder_.file("app.log"), position_, limits_, now_, memory_,
                                   [&](std::string_view r) { records.emplace_back(r); });
    EXPECT_TRUE(outcome) << outcome.error().message;
    outcome_ = *outcome;
    position_ = outcome->next;
    return records;
  }
  void restart() { memory_ = TailMemory(); }

  tests::TempDir folder_;
  TailLimits limits_;
  Instant now_{1'700'000'000'000'000'000};
  std::optional<TailPosition> position_;
  TailMemory memory_;
  TailOutcome outcome_;
};

TEST_F(Tail, BeginsAtTheEndAndTakesTheRecordThatIsHalfWritten) {
  append("old\nbegun");
  EXPECT_EQ(look(), Records{});
  append(" and ended\nnew\n");
  EXPECT_EQ(look(), (Records{"begun and ended", "new"}));
}

TEST_F(Tail, ReadsALogFromItsStartThatWasNotThereBefore) {
  EXPECT_EQ(look(), Records{});
  EXPECT_FALSE(outcome_.present);
  append("first\n");
  EXPECT_EQ(look(), Records{"first"});
}

// A known mistake of others: a new file that is longer than the old offset is not seen as new.
TEST_F(Tail, SeesARotationWhereTheNewFileIsLongerAlready) {
  append("old\n");
  look();
  append("before\n");
  rename("app.log", "app.log.1");
  for (int i = 0; i < 1000; ++i) append("new\n");
  const Records records = look();
  ASSERT_EQ(records.size(), 1001U);
  EXPECT_EQ(records.front(), "before");
  EXPECT_EQ(outcome_.rotations, 1U);
}

TEST_F(Tail, ReadsWhatWasRemovedRightAfterItsRotation) {
  append("old\n");
  look();
  append("last words\n");
  fs::remove(folder_.file("app.log"));
  append("new\n");
  EXPECT_EQ(look(), (Records{"last words", "new"}));
  EXPECT_EQ(outcome_.lost_bytes, 0U);
}

TEST_F(Tail, ReadsWhatIsStillWrittenToTheRenamedFile) {
  append("old\n");
  look();
  rename("app.log", "app.log.1");
  append("new\n");
  EXPECT_EQ(look(), Records{"new"});
  append("late\n", "app.log.1");
  append("newer\n");
  restart();
  EXPECT_EQ(look(), (Records{"late", "newer"}));
}

TEST_F(Tail, CountsWhatWasThereAndWentUnread) {
  look();
  limits_.bytes = 1;  // one chunk
  append(std::string(400'000, 'a') + "\n");
  look();
  const std::uint64_t behind = outcome_.bytes_behind;
  EXPECT_GT(behind, 0U);
  fs::resize_file(folder_.file("app.log"), 0);
  look();
  EXPECT_EQ(outcome_.lost_bytes, behind);
}

TEST_F(Tail, StopsAtItsBudgetAndSaysHowFarBehindItIs) {
  look();
  limits_.bytes = 1 << 20;
  const std::string line(99, 'x');
  std::string much;
  for (int i = 0; i < 50'000; ++i) much += line + "\n";
  append(much);
  std::size_t records = look().size();
  EXPECT_LE(outcome_.bytes, 2U << 20);
  EXPECT_EQ(outcome_.bytes + outcome_.bytes_behind, much.size());
  while (outcome_.bytes_behind > 0) records += look().size();
  EXPECT_EQ(records, 50'000U);
}

TEST_F(Tail, SkipsTheHoleThatCopytruncateLeavesBeforeAWriterThatDoesNotAppend) {
  append("old\n");
  look();
  fs::resize_file(folder_.file("app.log"), 0);
  std::ofstream writer(folder_.file("app.log"), std::ios::in | std::ios::binary);
  writer.seekp(8LL << 30);
  writer << "after the hole\n" << std::flush;
  EXPECT_EQ(look(), Records{"after the hole"});
}

// logrotate copies a log and cuts it afterwards; a busy writer writes in between.
TEST_F(Tail, GivesNothingTwiceOfALogThatIsCopiedWhileItIsRead) {
  look();
  append("one\n");
  rename("app.log", "app.log.1");
  append("two\n");
  EXPECT_EQ(look(), (Records{"one", "two"}));
  rename("app.log.1", "app.log.2");
  fs::copy_file(folder_.file("app.log"), folder_.file("app.log.1"));
  append("three\n");
  EXPECT_EQ(look(), Records{"three"});
  fs::resize_file(folder_.file("app.log"), 0);
  append("four\n");
  EXPECT_EQ(look(), Records{"four"});
  EXPECT_EQ(outcome_.rotations, 1U);
  EXPECT_EQ(outcome_.lost_bytes, 0U);
}

TEST_F(Tail, KnowsACopyByItsStartThatGrewAfterTheLook) {
  look();
  for (int i = 0; i < 1000; ++i) append("record " + std::to_string(i) + "\n");
  rename("app.log", "app.log.1");
  for (int i = 0; i < 1000; ++i) append("new " + std::to_string(i) + "\n");
  EXPECT_EQ(look().size(), 2000U);
  rename("app.log.1", "app.log.2");
  fs::copy_file(folder_.file("app.log"), folder_.file("app.log.1"));
  append("after the copy\n");
  fs::rename(folder_.file("app.log.1"), folder_.file("elsewhere"));
  EXPECT_EQ(look(), Records{"after the copy"});
  fs::rename(folder_.file("elsewhere"), folder_.file("app.log.1"));
  fs::resize_file(folder_.file("app.log"), 0);
  append("after the cut\n");
  EXPECT_EQ(look(), Records{"after the cut"});
}

TEST_F(Tail, CountsWhatWasSeenAfterTheCopyAndCutBeforeItWasRead) {
  look();
  append("one\n");
  look();
  append("two\n");
  fs::copy_file(folder_.file("app.log"), folder_.file("app.log.1"));
  append("three\n");
  limits_.bytes = 1;
  look();
  EXPECT_EQ(outcome_.bytes_behind, 0U) << "one read takes all";
  limits_.bytes = 0;
  append("four\n");
  look();
  EXPECT_EQ(outcome_.bytes_behind, 5U);
  fs::resize_file(folder_.file("app.log"), 0);
  limits_.bytes = 4 << 20;
  EXPECT_EQ(look(), Records{});
  EXPECT_EQ(outcome_.lost_bytes, 5U);
}

TEST_F(Tail, KeepsItsPlaceWhereTheLogIsAwayForAWhile) {
  append("old\n");
  look();
  append("before\n");
  rename("app.log", "elsewhere");
  EXPECT_EQ(look(), Records{"before"});
  rename("elsewhere", "app.log");
  append("after\n");
  EXPECT_EQ(look(), Records{"after"});
}

TEST_F(Tail, RefusesAPipeOrALink) {
  fs::create_symlink("/etc/passwd", folder_.file("app.log"));
  EXPECT_FALSE(
      read_tail(folder_.file("app.log"), {}, limits_, now_, memory_, [](std::string_view) {}));
}

}  // namespace
}  // namespace tocsin::agent
