// What every journal must do, whatever it is made of.
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/memory_store.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Memory {
 public:
  std::unique_ptr<JournalWriter> writer() { return journal_.open_writer(); }
  std::unique_ptr<JournalReader> reader() { return journal_.open_reader(); }

 private:
  MemoryJournal journal_;
};

template <std::uint64_t kSegmentBytes>
class Sqlite {
 public:
  std::unique_ptr<JournalWriter> writer() {
    return std::move(open_journal_writer(options()).value());
  }
  std::unique_ptr<JournalReader> reader() {
    return std::move(open_journal_reader(options()).value());
  }

 private:
  SqliteJournalOptions options() const {
    SqliteJournalOptions options;
    options.directory = directory_.file("journal");
    options.segment_bytes = kSegmentBytes;
    return options;
  }
  tests::TempDir directory_;
};

template <class Back>
class JournalConformance : public ::testing::Test {
 protected:
  Back back;
  std::unique_ptr<JournalWriter> writer = back.writer();

  Position append(const std::vector<std::string>& bodies, std::int64_t at,
                  const std::vector<SpoolCursor>& cursors = {}) {
    const Result<Position> first = writer->append(bodies, Instant{at}, cursors);
    EXPECT_TRUE(first) << first.error().message;
    return first.value_or(Position{});
  }
};

// The third one begins a new segment with every group.
using Backs = ::testing::Types<Memory, Sqlite<(1ULL << 30)>, Sqlite<1>>;
TYPED_TEST_SUITE(JournalConformance, Backs);

SpoolCursor cursor(const char* agent, std::uint64_t epoch, std::uint64_t last) {
  return {AgentId{agent}, Epoch{epoch}, Seq{last}};
}

std::vector<std::string> bodies_of(const std::vector<StoredEntry>& entries) {
  std::vector<std::string> bodies;
  for (const StoredEntry& entry : entries) bodies.push_back(entry.body);
  return bodies;
}

TYPED_TEST(JournalConformance, AnEmptyJournalHasNoHead) {
  EXPECT_EQ(this->writer->head(), Position{});
  EXPECT_EQ(this->writer->head_time(), Instant{});
  EXPECT_THAT(*this->writer->spool_cursors(), IsEmpty());
  EXPECT_THAT(*this->back.reader()->read(Position{1}, 10), IsEmpty());
  const Result<ChainReport> report = this->back.reader()->verify();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->intact);
  EXPECT_EQ(report->entries, 0U);
}

TYPED_TEST(JournalConformance, PositionsAreConsecutiveFromOne) {
  EXPECT_EQ(this->append({"a", "b"}, 10), Position{1});
  EXPECT_EQ(this->append({"c"}, 20), Position{3});
  EXPECT_EQ(this->writer->head(), Position{3});
  EXPECT_EQ(this->writer->head_time(), Instant{20});
}

TYPED_TEST(JournalConformance, ReadsAreInOrderAndBounded) {
  this->append({"a", "b"}, 10);
  this->append({"c", "d", "e"}, 20);
  const auto reader = this->back.reader();
  const auto two = reader->read(Position{2}, 2);
  ASSERT_TRUE(two);
  EXPECT_THAT(bodies_of(*two), ElementsAre("b", "c"));
  EXPECT_EQ((*two)[0].position, Position{2});
  EXPECT_EQ((*two)[0].at, Instant{10});
  EXPECT_EQ((*two)[1].at, Instant{20});
  EXPECT_THAT(bodies_of(*reader->read(Position{0}, 100)), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(bodies_of(*reader->read(Position{5}, 100)), ElementsAre("e"));
  EXPECT_THAT(*reader->read(Position{6}, 100), IsEmpty());
  EXPECT_THAT(bodies_of(*reader->read(Position{1}, 1)), ElementsAre("a"));
  EXPECT_THAT(*reader->read(Position{1}, 0), IsEmpty());
  EXPECT_THAT(bodies_of(*reader->read(Position{2}, 100, 2)), ElementsAre("b", "c"));
  EXPECT_THAT(bodies_of(*reader->read(Position{2}, 1, 2)), ElementsAre("b"));
}

TYPED_TEST(JournalConformance, AReaderSeesWhatWasAppendedBeforeItsCall) {
  const auto reader = this->back.reader();
  EXPECT_THAT(*reader->read(Position{1}, 10), IsEmpty());
  std::uint64_t next = 1;
  for (int i = 0; i < 20; ++i) {
    this->append({std::to_string(i)}, i);
    const auto entries = reader->read(Position{next}, 10);
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ((*entries)[0].body, std::to_string(i));
    next = (*entries)[0].position.value + 1;
  }
}

TYPED_TEST(JournalConformance, BodiesAreKeptByteForByte) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte.push_back(static_cast<char>(byte));
  const std::vector<std::string> bodies{"", every_byte, std::string(100'000, 'x')};
  this->append(bodies, 1);
  EXPECT_EQ(bodies_of(*this->back.reader()->read(Position{1}, 10)), bodies);
}

TYPED_TEST(JournalConformance, GroupsOfAnySizeAreKeptWhole) {
  std::uint64_t expected = 1;
  for (const std::size_t size : {1U, 15U, 16U, 17U, 32U, 100U}) {
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < size; ++i) bodies.push_back(std::to_string(expected + i));
    EXPECT_EQ(this->append(bodies, 5), Position{expected});
    expected += size;
  }
  const auto entries = this->back.reader()->read(Position{1}, 1000);
  ASSERT_EQ(entries->size(), expected - 1);
  for (const StoredEntry& entry : *entries) {
    EXPECT_EQ(entry.body, std::to_string(entry.position.value));
  }
}

TYPED_TEST(JournalConformance, CursorsMoveWithTheEntries) {
  this->append({"a"}, 1, {cursor("agent-1", 7, 1), cursor("agent-2", 9, 4)});
  this->append({"b"}, 2, {cursor("agent-1", 7, 2)});
  this->append({"c"}, 3, {cursor("agent-1", 8, 1)});
  EXPECT_THAT(
      *this->writer->spool_cursors(),
      ElementsAre(cursor("agent-1", 7, 2), cursor("agent-1", 8, 1), cursor("agent-2", 9, 4)));
}

TYPED_TEST(JournalConformance, EpochsAreFullSixtyFourBits) {
  const SpoolCursor huge = cursor("agent", 0xffff'ffff'ffff'fffe, 1);
  this->append({"a"}, 1, {huge});
  EXPECT_THAT(*this->writer->spool_cursors(), ElementsAre(huge));
}

TYPED_TEST(JournalConformance, RefusesAnEmptyGroupAndTimeGoingBack) {
  this->append({"a"}, 10);
  EXPECT_EQ(this->writer->append({}, Instant{11}, {}).error().code, ErrorCode::invalid_argument);
  const std::vector<std::string> late{"late"};
  EXPECT_EQ(this->writer->append(late, Instant{9}, {}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(this->writer->head(), Position{1});
  EXPECT_EQ(this->append({"b"}, 10), Position{2});
}

TYPED_TEST(JournalConformance, SurvivesReopen) {
  this->append({"a", "b"}, 10, {cursor("agent", 7, 2)});
  this->writer.reset();
  this->writer = this->back.writer();
  EXPECT_EQ(this->writer->head(), Position{2});
  EXPECT_EQ(this->writer->head_time(), Instant{10});
  EXPECT_THAT(*this->writer->spool_cursors(), ElementsAre(cursor("agent", 7, 2)));
  EXPECT_EQ(this->append({"c"}, 20), Position{3});
  this->writer.reset();
  this->writer = this->back.writer();
  EXPECT_THAT(bodies_of(*this->back.reader()->read(Position{1}, 10)), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(this->back.reader()->verify()->intact);
}

TYPED_TEST(JournalConformance, TheChainCoversEverything) {
  for (int i = 0; i < 5; ++i) this->append({"a", "b"}, i);
  const Result<ChainReport> report = this->back.reader()->verify();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->intact) << report->problem.code;
  EXPECT_EQ(report->entries, 10U);
  EXPECT_EQ(report->groups, 5U);
  EXPECT_EQ(report->first, Position{1});
  EXPECT_EQ(report->last, Position{10});
  EXPECT_EQ(report->head_hash.size(), 64U);
}

// The hash is a function of what was appended, not of the adapter or of where segments end.
TYPED_TEST(JournalConformance, TheHeadHashIsTheSameForAllAdapters) {
  this->append({"one", ""}, 1'000'000'007);
  this->append({std::string("\0\xff", 2)}, 1'000'000'008);
  const Result<ChainReport> report = this->back.reader()->verify();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->head_hash, "0d37ba9610c5b0f149232c60e65a7bff8ab18e7aadafbce70202b9c70284cbb6");
}

}  // namespace
}  // namespace tocsin::collector
