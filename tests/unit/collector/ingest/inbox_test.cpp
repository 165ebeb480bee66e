#include "collector/ingest/inbox.hpp"

#include <gmock/gmock.h>

#include "common/base/limits.hpp"

namespace tocsin::collector {
namespace {

using ::testing::SizeIs;

FactRun facts(std::uint64_t epoch, std::uint64_t first, std::size_t count, std::size_t bytes = 1) {
  FactRun run{Epoch{epoch}, Seq{first}, {}, {}};
  while (run.entries.size() < count) run.entries.push_back({std::string(bytes, 'x'), {}});
  return run;
}

TEST(Inbox, ConsecutiveFactsBecomeOneRunAndTheOrderStays) {
  Inbox inbox;
  EXPECT_TRUE(inbox.empty());
  inbox.put(facts(7, 1, 1));
  inbox.put(facts(7, 2, 3));
  inbox.put(Receipt{"r"});
  inbox.put(facts(7, 5, 1));
  EXPECT_FALSE(inbox.empty());
  const std::vector<Incoming> taken = inbox.take();
  ASSERT_THAT(taken, SizeIs(3));
  EXPECT_EQ(std::get<FactRun>(taken[0]).first, Seq{1});
  EXPECT_THAT(std::get<FactRun>(taken[0]).entries, SizeIs(4));
  EXPECT_EQ(std::get<Receipt>(taken[1]).request_id, "r");
  EXPECT_EQ(std::get<FactRun>(taken[2]).first, Seq{5});
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, TheChainOfSeveralRunsIsThatAfterTheLast) {
  Inbox inbox;
  for (std::uint64_t first = 1; first <= 3; ++first) {
    FactRun run = facts(7, first, 1);
    run.chain = "c" + std::to_string(first);
    inbox.put(std::move(run));
  }
  const std::vector<Incoming> taken = inbox.take();
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(std::get<FactRun>(taken[0]).chain, "c3");
}

TEST(Inbox, WhatDoesNotFollowStaysApartForTheHubToJudge) {
  Inbox inbox;
  inbox.put(facts(7, 1, 2));
  inbox.put(facts(7, 4, 1));  // a gap
  inbox.put(facts(7, 4, 1));  // a repetition
  inbox.put(facts(8, 5, 1));  // another epoch
  EXPECT_THAT(inbox.take(), SizeIs(4));
}

TEST(Inbox, ARunIsNeverLongerThanABatchMayBe) {
  Inbox inbox;
  inbox.put(facts(7, 1, limits::kBatchFacts));
  inbox.put(facts(7, 1 + limits::kBatchFacts, 1));
  EXPECT_THAT(inbox.take(), SizeIs(2));
}

TEST(Inbox, ReadsOnOnlyWhileThereIsRoom) {
  Inbox inbox;
  EXPECT_TRUE(inbox.has_room());
  inbox.put(facts(7, 1, Inbox::kFacts));
  EXPECT_FALSE(inbox.has_room());
  inbox.take();
  EXPECT_TRUE(inbox.has_room());
  inbox.put(facts(7, 1, 1, Inbox::kBytes));
  EXPECT_FALSE(inbox.has_room());
  inbox.take();
  for (std::size_t i = 0; i < Inbox::kMessages; ++i) inbox.put(UnknownMessage{});
  EXPECT_FALSE(inbox.has_room());
}

}  // namespace
}  // namespace tocsin::collector
