#include "collector/engine/entry_queue.hpp"

#include <gmock/gmock.h>

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Runs of `longest` entries with the positions `from` to `to`, ten bytes each.
std::vector<CommittedRun> runs(std::uint64_t from, std::uint64_t to, std::uint64_t longest = 1) {
  std::vector<CommittedRun> made;
  while (from <= to) {
    CommittedRun run{{from}, {}, {}};
    for (std::uint64_t i = 0; i < longest && from <= to; ++i, ++from) {
      run.entries.push_back({{}, model::Tick{}});
      run.bytes += 10;
    }
    made.push_back(std::move(run));
  }
  return made;
}

std::vector<std::uint64_t> positions(const std::vector<CommittedRun>& taken) {
  std::vector<std::uint64_t> found;
  for (const CommittedRun& run : taken) {
    for (std::uint64_t i = 0; i < run.entries.size(); ++i) found.push_back(run.first.value + i);
  }
  return found;
}

constexpr EntryQueueLimits kMuch{100, 10'000};

TEST(EntryQueue, GivesWhatFollowsInOrder) {
  EntryQueue queue(kMuch);
  queue.push(runs(1, 3));
  EXPECT_THAT(positions(queue.take_after({0}, {2, 10'000})), ElementsAre(1, 2));
  EXPECT_THAT(positions(queue.take_after({2}, {2, 10'000})), ElementsAre(3));
}

TEST(EntryQueue, GivesWholeRunsUntilTheyAreEnoughEntriesOrBytes) {
  EntryQueue queue(kMuch);
  queue.push(runs(1, 9, 3));
  EXPECT_THAT(positions(queue.take_after({0}, {1, 10'000})), ElementsAre(1, 2, 3));
  EXPECT_THAT(positions(queue.take_after({3}, {100, 31})), ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_EQ(queue.entries(), 0U);
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(EntryQueue, WhatDoesNotFitIsLeftToTheJournalAndTheHeadShowsIt) {
  EntryQueue queue({2, 10'000});
  queue.push(runs(1, 5));
  EXPECT_THAT(positions(queue.take_after({0}, kMuch)), ElementsAre(1, 2));
  EXPECT_THAT(queue.take_after({2}, kMuch), IsEmpty());
  EXPECT_EQ(queue.head(), Position{5});
  // Entries 3 to 5 come from the journal; what is pushed then fits again.
  queue.push(runs(6, 7));
  EXPECT_THAT(positions(queue.take_after({5}, kMuch)), ElementsAre(6, 7));
}

TEST(EntryQueue, HoldsNoMoreBytesThanItMay) {
  EntryQueue queue({100, 25});
  queue.push(runs(1, 5));
  EXPECT_EQ(queue.bytes(), 20U);
  EXPECT_THAT(positions(queue.take_after({0}, kMuch)), ElementsAre(1, 2));
}

TEST(EntryQueue, NeverGivesAcrossAGap) {
  EntryQueue queue(kMuch);
  queue.push(runs(4, 5));
  EXPECT_THAT(queue.take_after({1}, kMuch), IsEmpty());
  EXPECT_THAT(positions(queue.take_after({3}, kMuch)), ElementsAre(4, 5));
}

TEST(EntryQueue, DropsWhatWasJudgedAlready) {
  EntryQueue queue(kMuch);
  queue.push(runs(1, 6, 3));
  EXPECT_THAT(positions(queue.take_after({4}, kMuch)), ElementsAre(5, 6));
  EXPECT_EQ(queue.entries(), 0U);
  EXPECT_EQ(queue.bytes(), 0U);
}

}  // namespace
}  // namespace tocsin::collector
