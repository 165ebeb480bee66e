#include "collector/engine/entry_queue.hpp"

#include <gmock/gmock.h>

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<model::JournalEntry> entries(std::uint64_t from, std::uint64_t to) {
  std::vector<model::JournalEntry> made;
  for (std::uint64_t p = from; p <= to; ++p) made.push_back({{p}, {}, model::Tick{}});
  return made;
}

std::vector<std::uint64_t> positions(const std::vector<model::JournalEntry>& taken) {
  std::vector<std::uint64_t> found;
  for (const model::JournalEntry& entry : taken) found.push_back(entry.position.value);
  return found;
}

TEST(EntryQueue, GivesWhatFollowsInOrder) {
  EntryQueue queue(10);
  queue.push(entries(1, 3));
  EXPECT_THAT(positions(queue.take_after({0}, 2)), ElementsAre(1, 2));
  EXPECT_THAT(positions(queue.take_after({2}, 2)), ElementsAre(3));
}

TEST(EntryQueue, WhatDoesNotFitIsLeftToTheJournalAndTheHeadShowsIt) {
  EntryQueue queue(2);
  queue.push(entries(1, 5));
  EXPECT_THAT(positions(queue.take_after({0}, 10)), ElementsAre(1, 2));
  EXPECT_THAT(queue.take_after({2}, 10), IsEmpty());
  EXPECT_EQ(queue.head(), Position{5});
  // Entries 3 to 5 come from the journal; what is pushed then fits again.
  queue.push(entries(6, 7));
  EXPECT_THAT(positions(queue.take_after({5}, 10)), ElementsAre(6, 7));
}

TEST(EntryQueue, NeverGivesAcrossAGap) {
  EntryQueue queue(10);
  queue.push(entries(4, 5));
  EXPECT_THAT(queue.take_after({1}, 10), IsEmpty());
  EXPECT_THAT(positions(queue.take_after({3}, 10)), ElementsAre(4, 5));
}

TEST(EntryQueue, DropsWhatWasJudgedAlready) {
  EntryQueue queue(10);
  queue.push(entries(1, 4));
  EXPECT_THAT(positions(queue.take_after({3}, 10)), ElementsAre(4));
}

}  // namespace
}  // namespace tocsin::collector
