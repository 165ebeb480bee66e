#include "agent/tail/prefix.hpp"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

constexpr PrefixLimits kSmall{kPrefixBlock, 4 * kPrefixBlock};

// A log that grows, and what is kept of it from look to look.
class Log {
 public:
  Log() : path_(folder_.file("app.log")) {}

  void append(std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += "record " + std::to_string(++number_) + "\n";
    text.resize(bytes);
    std::ofstream(path_, std::ios::app | std::ios::binary) << text;
    size_ += bytes;
  }
  void change(std::uint64_t offset) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int old = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(old ^ 1));
  }
  PrefixLook look(const PrefixLimits& limits = kSmall) {
    const auto file = os::open_regular(path_);
    auto seen = look_at_prefix(file->fd, size_, digest_, limits, progress_);
    EXPECT_TRUE(seen) << seen.error().message;
    const auto kept = parse_prefix_digest(to_text(seen->next));
    EXPECT_EQ(kept, seen->next);
    digest_ = seen->next;
    return *seen;
  }
  void restart() { progress_ = {}; }
  // Looks until everything is covered.
  void catch_up() {
    while (digest_.covered() < size_) EXPECT_FALSE(look().changed);
  }
  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  PrefixDigest digest_;

 private:
  tests::TempDir folder_;
  std::string path_;
  std::uint64_t size_ = 0;
  std::uint64_t number_ = 0;
  PrefixProgress progress_;
};

TEST(Prefix, AChangeNearTheEndIsSeenAtOnce) {
  for (const std::uint64_t back : {1U, 1000U, 65'536U}) {
    Log log;
    log.append(10 * kPrefixBlock + 1234);
    log.catch_up();
    log.change(log.size() - back);
    const PrefixLook look = log.look();
    EXPECT_TRUE(look.changed) << back;
    EXPECT_LE(look.from, log.size() - back);
    EXPECT_GT(look.to, log.size() - back);
  }
}

TEST(Prefix, WhatWasChangedIsTheNewTruthAfterwards) {
  Log log;
  log.append(3 * kPrefixBlock);
  log.catch_up();
  log.change(log.size() - 1);
  EXPECT_TRUE(log.look().changed);
  log.catch_up();
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(log.look().changed);
}

TEST(Prefix, AFileThatIsCutWhileItIsReadIsNoChange) {
  Log log;
  log.append(2 * kPrefixBlock);
  log.catch_up();
  std::ofstream(log.path(), std::ios::trunc).flush();
  const auto file = os::open_regular(log.path());
  PrefixProgress progress;
  const auto seen = look_at_prefix(file->fd, log.size(), log.digest_, kSmall, progress);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, ErrorCode::unavailable);
}

TEST(Prefix, AChangeIsFoundAfterNodesWereMerged) {
  Log log;
  log.append(301 * kPrefixBlock);
  log.catch_up();
  EXPECT_EQ(log.digest_.level, 2U);
  EXPECT_EQ(log.digest_.rest.size(), 1U);
  log.change(170 * kPrefixBlock + 99);
  constexpr PrefixLimits kMore{64 * kPrefixBlock, 64 * kPrefixBlock};
  int looks = 1;
  PrefixLook look = log.look(kMore);
  for (; !look.changed && looks < 6; ++looks) look = log.look(kMore);
  EXPECT_TRUE(look.changed);
  EXPECT_EQ(look.from, 168 * kPrefixBlock);
  EXPECT_EQ(look.to, 172 * kPrefixBlock);
}

TEST(Prefix, WhatIsKeptOfALargeFileStaysSmall) {
  PrefixDigest digest;
  for (int i = 0; i < 100'000; ++i) add_block(digest, block_sum(std::to_string(i)));  // 6 GB
  EXPECT_EQ(digest.blocks(), 100'000U);
  EXPECT_LT(to_text(digest).size(), 6000U);
  EXPECT_EQ(parse_prefix_digest(to_text(digest)), digest);
}

// Wherever one byte is changed in what was covered, however the log grows meanwhile and however
// often the agent is started anew before: it is found, within twice the looks that the file takes.
RC_GTEST_PROP(PrefixProperty, AChangeAnywhereIsFoundInBoundedTime, ()) {
  Log log;
  for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
    log.append(*rc::gen::inRange<std::size_t>(1, 8 * kPrefixBlock));
    RC_ASSERT(!log.look().changed);
    if (*rc::gen::inRange(0, 4) == 0) log.restart();
  }
  const std::uint64_t covered = log.digest_.covered();
  const std::uint64_t at = *rc::gen::inRange<std::uint64_t>(0, covered);
  log.change(at);
  const std::uint64_t bound = 2 * (covered / kPrefixBlock + 1);
  for (std::uint64_t i = 0; i < bound; ++i) {
    const PrefixLook look = log.look();
    if (look.changed) {
      RC_ASSERT(look.from <= at && at < look.to);
      return;
    }
    if (i % 4 == 0) log.append(*rc::gen::inRange<std::size_t>(0, kPrefixBlock));
  }
  RC_FAIL("the change was not found");
}

// A log that only grows never looks changed, at any budget.
RC_GTEST_PROP(PrefixProperty, GrowthIsNoChange, ()) {
  Log log;
  for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
    log.append(*rc::gen::inRange<std::size_t>(0, 5 * kPrefixBlock));
    const PrefixLimits limits{*rc::gen::inRange<std::uint64_t>(1, 8 * kPrefixBlock),
                              *rc::gen::inRange<std::uint64_t>(1, 8 * kPrefixBlock)};
    RC_ASSERT(!log.look(limits).changed);
    RC_ASSERT(log.digest_.covered() <= log.size());
  }
}

}  // namespace
}  // namespace tocsin::agent
