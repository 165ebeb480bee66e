#include "collector/writer/writer.hpp"

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/memory_store.hpp"
#include "common/wire/wire.hpp"
#include "tests/support/fake_time.hpp"

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using tests::FakeTime;

// A journal that refuses while it is told to, as a full disk does.
class RefusingJournal final : public JournalWriter {
 public:
  explicit RefusingJournal(JournalWriter& inner) : inner_(inner) {}
  Result<Position> append(std::span<const std::string> bodies, Instant at,
                          std::span<const SpoolCursor> cursors) override {
    if (refuse) return fail(*refuse, "disk is full");
    groups.push_back(bodies.size());
    return inner_.append(bodies, at, cursors);
  }
  Position head() const override { return inner_.head(); }
  Instant head_time() const override { return inner_.head_time(); }
  Result<std::vector<SpoolCursor>> spool_cursors() override { return inner_.spool_cursors(); }

  std::optional<ErrorCode> refuse;
  std::vector<std::size_t> groups;

 private:
  JournalWriter& inner_;
};

PendingEntry tick() {
  const model::JournalBody body = model::Tick{};
  return {wire::encode_journal(body), body};
}

std::vector<PendingEntry> ticks(std::size_t count) {
  std::vector<PendingEntry> entries;
  while (entries.size() < count) entries.push_back(tick());
  return entries;
}

class WriterTest : public ::testing::Test {
 protected:
  void make(const WriterOptions& options = {}) {
    writer = std::make_unique<Writer>(
        journal, time,
        [this](std::vector<CommittedRun> runs) {
          for (CommittedRun& run : runs) {
            for (PendingEntry& entry : run.entries) {
              handed.push_back({run.first, run.at, *entry.body});
              ++run.first.value;
            }
          }
        },
        options);
  }
  // Submits and remembers the answer.
  Status submit(std::size_t count, std::optional<SpoolCursor> cursor = std::nullopt) {
    return writer->submit(ticks(count), std::move(cursor), [this](Result<Committed> committed) {
      answers.push_back(std::move(committed));
    });
  }

  MemoryJournal content;
  std::unique_ptr<JournalWriter> inner = content.open_writer();
  RefusingJournal journal{*inner};
  FakeTime time;
  std::vector<Result<Committed>> answers;
  std::vector<model::JournalEntry> handed;
  std::unique_ptr<Writer> writer;  // Goes first: stopping it still answers.
};

TEST_F(WriterTest, CommitsEverythingThatWaitsAsOneGroupAndAnswersInOrder) {
  make();
  ASSERT_TRUE(submit(2));
  ASSERT_TRUE(submit(3));
  writer->step();
  EXPECT_THAT(journal.groups, ElementsAre(5));
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0]->first, Position{1});
  EXPECT_EQ(answers[0]->last, Position{2});
  EXPECT_EQ(answers[1]->first, Position{3});
  EXPECT_EQ(answers[1]->last, Position{5});
  ASSERT_EQ(handed.size(), 5U);
  EXPECT_EQ(handed.back().position, Position{5});
  EXPECT_TRUE(std::holds_alternative<model::Tick>(handed.back().body));
  EXPECT_EQ(writer->counters().entries, 5U);
  EXPECT_GT(writer->counters().turns, 0U);
  EXPECT_EQ(writer->counters().waiting_entries, 0U);
  EXPECT_EQ(writer->counters().waiting_bytes, 0U);
}

TEST_F(WriterTest, NeverSplitsASubmissionAndKeepsGroupsBounded) {
  WriterOptions options;
  options.group_entries = 4;
  make(options);
  ASSERT_TRUE(submit(3));
  ASSERT_TRUE(submit(2));
  ASSERT_TRUE(submit(6));
  for (int i = 0; i < 4; ++i) writer->step();
  EXPECT_THAT(journal.groups, ElementsAre(3, 2, 6));
}

TEST_F(WriterTest, CommitsTheCursorWithTheFacts) {
  make();
  const SpoolCursor cursor{AgentId{"a1"}, Epoch{7}, Seq{42}};
  ASSERT_TRUE(submit(1, cursor));
  writer->step();
  EXPECT_THAT(*journal.spool_cursors(), ElementsAre(cursor));
}

TEST_F(WriterTest, RefusesWhatDoesNotFitTheQueueAndCountsIt) {
  WriterOptions options;
  options.queue_entries = 4;
  make(options);
  ASSERT_TRUE(submit(3));
  const Status refused = submit(2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(submit(5).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(submit(0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(writer->counters().refused, 1U);
  EXPECT_EQ(answers.size(), 0U);
  writer->step();
  EXPECT_TRUE(submit(2));
}

TEST_F(WriterTest, LeavesWhatItRefusesWithTheCaller) {
  WriterOptions options;
  options.queue_entries = 4;
  make(options);
  std::vector<PendingEntry> first = ticks(3);
  std::vector<PendingEntry> second = ticks(2);
  ASSERT_TRUE(writer->submit(std::move(first), std::nullopt, {}));
  ASSERT_FALSE(writer->submit(std::move(second), std::nullopt, {}));
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[1].bytes, tick().bytes);
  writer->step();
  EXPECT_TRUE(writer->submit(std::move(second), std::nullopt, {}));
  writer->step();
  EXPECT_EQ(handed.size(), 5U);
}

TEST_F(WriterTest, RefusesByBytesToo) {
  WriterOptions options;
  options.queue_bytes = 3 * tick().bytes.size();
  make(options);
  ASSERT_TRUE(submit(2));
  EXPECT_EQ(submit(2).error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(submit(1));
}

TEST_F(WriterTest, KeepsTheGroupWhileTheDiskIsFullAndRecoversByItself) {
  WriterOptions options;
  options.queue_entries = 3;
  make(options);
  journal.refuse = ErrorCode::resource_exhausted;
  ASSERT_TRUE(submit(2));
  EXPECT_EQ(writer->step(), options.retry_first);
  ASSERT_TRUE(writer->health());
  EXPECT_THAT(writer->health()->message, HasSubstr("full"));
  EXPECT_TRUE(answers.empty());

  // What is in hand still counts against the queue; a person is told at once.
  EXPECT_THAT(submit(2).error().message, HasSubstr("full"));
  EXPECT_EQ(writer->submit_and_wait(tick()).error().code, ErrorCode::resource_exhausted);

  time.advance(options.retry_first);
  EXPECT_EQ(writer->step(), 2 * options.retry_first);
  journal.refuse.reset();
  writer->step();  // Too early: nothing happens.
  EXPECT_TRUE(answers.empty());
  time.advance(2 * options.retry_first);
  writer->step();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0]->last, Position{2});
  EXPECT_FALSE(writer->health());
  EXPECT_EQ(writer->counters().failed_commits, 2U);
}

TEST_F(WriterTest, APersonWaitsForAFullDiskOnlySoLongAndTheLateAnswerHarmsNobody) {
  WriterOptions options;
  options.answer_within = 1ms;
  make(options);
  const Result<Committed> answer = writer->submit_and_wait(tick());  // Nobody commits yet.
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("not yet known"));
  journal.refuse = ErrorCode::resource_exhausted;
  writer->step();
  EXPECT_FALSE(writer->failure());  // A full disk passes.
  journal.refuse.reset();
  time.advance(options.retry_first);
  writer->step();
  EXPECT_THAT(handed, SizeIs(1));
}

TEST_F(WriterTest, StopsWhileTheDiskIsFullAndAnswersWhoeverWaits) {
  WriterOptions options;
  options.answer_within = 60s;
  make(options);
  journal.refuse = ErrorCode::resource_exhausted;
  std::future<Result<Committed>> waiting =
      std::async(std::launch::async, [this] { return writer->submit_and_wait(tick()); });
  while (writer->counters().waiting_entries == 0) std::this_thread::yield();
  writer->start();
  writer->stop();
  EXPECT_EQ(waiting.get().error().code, ErrorCode::unavailable);
}

TEST_F(WriterTest, WaitsLongerBetweenTriesUpToALimit) {
  make();
  journal.refuse = ErrorCode::resource_exhausted;
  ASSERT_TRUE(submit(1));
  Duration longest{};
  for (int i = 0; i < 20; ++i) {
    const Duration wait = writer->step();
    EXPECT_GE(wait, longest);
    longest = wait;
    time.advance(wait);
  }
  EXPECT_EQ(longest, WriterOptions{}.retry_longest);
}

TEST_F(WriterTest, TellsTheSubmittersOfDamage) {
  make();
  journal.refuse = ErrorCode::data_loss;
  ASSERT_TRUE(submit(1));
  writer->step();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].error().code, ErrorCode::data_loss);
  EXPECT_TRUE(writer->health());
  EXPECT_EQ(writer->counters().waiting_entries, 0U);
  ASSERT_TRUE(writer->failure());
  EXPECT_EQ(writer->failure()->code, ErrorCode::data_loss);
  journal.refuse.reset();
  ASSERT_TRUE(submit(1));
  time.advance(WriterOptions{}.retry_longest);
  writer->step();
  EXPECT_FALSE(writer->health());
  EXPECT_TRUE(writer->failure());  // Later luck does not mend it.
}

TEST_F(WriterTest, JournalTimeFollowsTheSteadyClock) {
  make();
  const Instant start = time.wall();
  ASSERT_TRUE(submit(1));
  writer->step();
  EXPECT_EQ(handed[0].at, start);
  time.advance(5s);
  time.step_wall(-1s);  // Within the tolerance: nobody minds.
  ASSERT_TRUE(submit(1));
  writer->step();
  EXPECT_EQ(handed[1].at, start + 5s);
  EXPECT_EQ(writer->journal_now(), start + 5s);
}

TEST_F(WriterTest, JournalsAStepAheadWithTheTimeBeforeItAndGoesOnFromTheWall) {
  make();
  writer->step();
  const Instant start = time.wall();
  time.advance(10s);
  time.step_wall(1h);
  ASSERT_TRUE(submit(1));
  writer->step();
  ASSERT_EQ(handed.size(), 2U);
  EXPECT_EQ(std::get<model::ClockStep>(handed[0].body).difference, Duration(1h));
  EXPECT_EQ(handed[0].at, start + 10s);
  EXPECT_EQ(handed[1].at, start + 10s + 1h);
  EXPECT_THAT(journal.groups, ElementsAre(1, 1));
  time.advance(10s);
  writer->step();
  EXPECT_EQ(writer->counters().clock_steps, 1U);
}

TEST_F(WriterTest, NeverGoesBackAndJournalsAStepBackOnce) {
  make();
  writer->step();
  const Instant start = time.wall();
  time.step_wall(-1h);
  for (int i = 0; i < 5; ++i) {
    time.advance(10s);
    ASSERT_TRUE(submit(1));
    writer->step();
  }
  EXPECT_EQ(writer->counters().clock_steps, 1U);
  EXPECT_EQ(std::get<model::ClockStep>(handed[0].body).difference, Duration(-1h));
  EXPECT_EQ(handed.back().at, start + 50s);

  // Somebody corrects the wall: that is a step too, and journal time goes on from itself.
  time.step_wall(1h);
  time.advance(10s);
  writer->step();
  EXPECT_EQ(writer->counters().clock_steps, 2U);
  EXPECT_EQ(writer->journal_now(), start + 60s);
}

TEST_F(WriterTest, LooksAtTheWallOnlyEveryTenSeconds) {
  make();
  EXPECT_EQ(writer->step(), Duration(10s));
  time.advance(4s);
  time.step_wall(1h);
  EXPECT_EQ(writer->step(), Duration(6s));
  EXPECT_EQ(writer->counters().clock_steps, 0U);
  time.advance(6s);
  writer->step();
  EXPECT_EQ(writer->counters().clock_steps, 1U);
}

TEST_F(WriterTest, AStartAfterAPauseIsAStep) {
  const std::vector<std::string> bodies{tick().bytes};
  const Instant before = time.wall();
  ASSERT_TRUE(journal.append(bodies, before, {}));
  time.advance(3h);
  make();
  EXPECT_EQ(writer->journal_now(), before + 3h) << "who asks before the first entry knows it too";
  writer->step();
  ASSERT_EQ(handed.size(), 1U);
  EXPECT_EQ(handed[0].at, before);
  EXPECT_EQ(std::get<model::ClockStep>(handed[0].body).difference, Duration(3h));
  EXPECT_EQ(writer->journal_now(), before + 3h);
}

TEST_F(WriterTest, AStepThatCannotBeJournaledIsTriedAgainBeforeAnyEntry) {
  make();
  writer->step();
  time.advance(10s);
  time.step_wall(1h);
  journal.refuse = ErrorCode::resource_exhausted;
  ASSERT_TRUE(submit(1));
  const Duration wait = writer->step();
  journal.refuse.reset();
  time.advance(wait);
  writer->step();
  ASSERT_EQ(handed.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<model::ClockStep>(handed[0].body));
}

TEST_F(WriterTest, AnswersUnavailableToWhatAStopLeftBehind) {
  make();
  journal.refuse = ErrorCode::resource_exhausted;
  ASSERT_TRUE(submit(1));
  writer->step();
  ASSERT_TRUE(submit(1));
  writer->stop();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].error().code, ErrorCode::unavailable);
  EXPECT_EQ(answers[1].error().code, ErrorCode::unavailable);
  EXPECT_EQ(submit(1).error().code, ErrorCode::unavailable);
}

TEST_F(WriterTest, ManyThreadsSubmitAndEveryEntryIsCommittedOnce) {
  make();
  writer->start();
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::atomic<int> committed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        if (writer->submit_and_wait(tick())) ++committed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer->stop();
  EXPECT_EQ(committed, kThreads * kEach);
  EXPECT_EQ(journal.head(), Position{kThreads * kEach});
  ASSERT_EQ(handed.size(), static_cast<std::size_t>(kThreads * kEach));
  for (std::size_t i = 0; i < handed.size(); ++i) EXPECT_EQ(handed[i].position.value, i + 1);
}

TEST_F(WriterTest, AStopCommitsWhatWaits) {
  WriterOptions options;
  options.group_entries = 1;
  make(options);
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(submit(1));
  writer->start();
  writer->stop();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers[0]);
  EXPECT_TRUE(answers[1]);
}

}  // namespace
}  // namespace tocsin::collector
