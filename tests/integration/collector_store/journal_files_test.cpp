// The journal's files: opening, damage, newer versions, segments and retention.
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/prune_journal.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "common/sqlite/sqlite.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

using ::testing::HasSubstr;

class JournalFiles : public ::testing::Test {
 protected:
  JournalFiles() {
    options.directory = directory.file("journal");
    options.segment_bytes = 1;  // A new segment with every append.
  }

  void append(int count) {
    const auto writer = open_journal_writer(options);
    ASSERT_TRUE(writer) << writer.error().message;
    for (int i = 0; i < count; ++i) {
      const std::vector<std::string> bodies{"a", "b"};
      ASSERT_TRUE((*writer)->append(bodies, Instant{i}, {}));
    }
  }

  std::string file(int segment) const {
    return options.directory + "/journal-00000" + std::to_string(segment) + ".db";
  }

  Error open_error() const {
    const auto writer = open_journal_writer(options);
    return writer ? Error{ErrorCode::internal, "it opened"} : writer.error();
  }

  void execute(int segment, const std::string& sql) {
    sqlite::OpenOptions how;
    how.create = false;
    ASSERT_TRUE(sqlite::Database::open(file(segment), how)->execute(sql));
  }

  tests::TempDir directory;
  SqliteJournalOptions options;
};

TEST_F(JournalFiles, ASecondWriterIsRefused) {
  const auto writer = open_journal_writer(options);
  ASSERT_TRUE(writer);
  EXPECT_EQ(open_error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(open_error().message, HasSubstr("another collector"));
}

TEST_F(JournalFiles, ANewerSchemaIsRefused) {
  append(2);
  execute(2, "PRAGMA user_version=2");
  EXPECT_EQ(open_error().code, ErrorCode::failed_precondition);
  EXPECT_THAT(open_error().message, HasSubstr("journal-000002.db: written by a newer version"));
}

TEST_F(JournalFiles, AnotherDatabaseIsRefused) {
  append(1);
  execute(1, "PRAGMA application_id=7");
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("journal-000001.db"));
}

TEST_F(JournalFiles, AnEmptiedOrOverwrittenFileIsRefusedAndLeftAlone) {
  append(2);
  for (const std::string& content :
       {std::string(), std::string("not a database, but long enough"), std::string(8192, '\x5a')}) {
    std::ofstream(file(2), std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(open_error().code, ErrorCode::data_loss) << content.size();
    EXPECT_THAT(open_error().message, HasSubstr("journal-000002.db"));
    EXPECT_EQ(std::filesystem::file_size(file(2)), content.size());
  }
}

TEST_F(JournalFiles, AMissingSegmentInTheMiddleIsRefused) {
  append(3);
  std::filesystem::remove(file(2));
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("journal-000002.db is missing"));
}

TEST_F(JournalFiles, ASegmentThatLostItsEndIsRefused) {
  append(3);
  execute(2, "DELETE FROM commit_group; DELETE FROM entry");
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("journal-000003.db: does not go on"));
}

TEST_F(JournalFiles, ADamagedLastGroupIsRefused) {
  append(2);
  execute(2, "UPDATE entry SET body = x'ff' WHERE pos = 4");
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("entries 3 to 4"));
}

TEST_F(JournalFiles, AnEntryBehindTheLastGroupIsRefused) {
  append(1);
  execute(1, "INSERT INTO entry VALUES(9, 9, x'ff')");
  EXPECT_EQ(open_error().code, ErrorCode::data_loss);
  EXPECT_THAT(open_error().message, HasSubstr("entry 9"));
}

TEST_F(JournalFiles, WhatABegunSegmentLeftBehindIsRemoved) {
  append(1);
  std::ofstream(file(2) + ".new") << "rubbish";
  std::ofstream(file(2) + ".new-journal") << "rubbish";
  append(1);
  EXPECT_TRUE(std::filesystem::exists(file(2)));
  EXPECT_FALSE(std::filesystem::exists(file(2) + ".new"));
  EXPECT_FALSE(std::filesystem::exists(file(2) + ".new-journal"));
}

TEST_F(JournalFiles, RetentionDropsWholeSegmentsAndTheReportSaysSo) {
  append(4);  // Entries 1-2, 3-4, 5-6, 7-8.
  const auto dropped = drop_segments_before(options, Position{6});
  ASSERT_TRUE(dropped) << dropped.error().message;
  EXPECT_EQ(dropped->segments, 2U);
  EXPECT_EQ(dropped->first_kept, Position{5});
  EXPECT_FALSE(std::filesystem::exists(file(2)));

  const auto reader = open_journal_reader(options);
  const Result<ChainReport> report = (*reader)->verify();
  EXPECT_TRUE(report->intact) << report->problem.code;
  EXPECT_EQ(report->first, Position{5});
  EXPECT_EQ(report->last, Position{8});
  EXPECT_EQ((*reader)->read(Position{1}, 10)->front().position, Position{5});

  const auto writer = open_journal_writer(options);
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ((*writer)->head(), Position{8});
}

TEST_F(JournalFiles, RetentionNeverDropsTheNewestSegment) {
  append(2);
  const auto dropped = drop_segments_before(options, Position{1000});
  EXPECT_EQ(dropped->segments, 1U);
  EXPECT_EQ(dropped->first_kept, Position{3});
  EXPECT_EQ(drop_segments_before(options, Position{1000})->segments, 0U);
}

TEST_F(JournalFiles, WhatIsOldAndJudgedGoesAndNothingElse) {
  append(4);  // Entries 1-2, 3-4, 5-6, 7-8, in the first nanoseconds of journal time.
  const Instant later = Instant{3} + std::chrono::hours(24) * 2;
  EXPECT_EQ(prune_journal(options, 0, later, Position{8})->segments, 0U) << "0 keeps all";
  EXPECT_EQ(prune_journal(options, 0, later, Position{8})->first_kept, Position{1});
  EXPECT_EQ(prune_journal(options, 3, later, Position{8})->segments, 0U) << "too young";
  EXPECT_EQ(prune_journal(options, 1, later, Position{2})->segments, 0U) << "not judged";
  const auto dropped = prune_journal(options, 1, later, Position{5});
  ASSERT_TRUE(dropped) << dropped.error().message;
  EXPECT_EQ(dropped->first_kept, Position{5});
  EXPECT_EQ(prune_journal(options, 1, later, Position{8})->first_kept, Position{7});
  EXPECT_TRUE((*open_journal_reader(options))->verify()->intact);
}

TEST(KeepJournalFrom, TheLastSegmentBeforeWhichAllIsOldAndJudged) {
  const std::vector<SegmentStart> segments{{Position{1}, Instant{}},
                                           {Position{10}, Instant{} + 1h},
                                           {Position{20}, Instant{} + 2h},
                                           {Position{30}, Instant{} + 3h}};
  const auto from = [&](Duration now, Duration keep, std::uint64_t judged) {
    return keep_journal_from(segments, Instant{} + now, keep, Position{judged}).value;
  };
  EXPECT_EQ(from(10h, 1h, 100), 30U);
  EXPECT_EQ(from(10h, 1h, 29), 20U);
  EXPECT_EQ(from(4h, 2h, 100), 10U) << "exactly as old as is kept stays";
  EXPECT_EQ(from(1h, 2h, 100), 1U);
  EXPECT_EQ(keep_journal_from({}, Instant{} + 10h, 1h, Position{5}), Position{});
}

TEST_F(JournalFiles, CursorsAreCarriedIntoNewSegments) {
  const SpoolCursor cursor{AgentId{"agent"}, Epoch{7}, Seq{3}};
  const std::vector<std::string> bodies{"a"};
  {
    const auto writer = open_journal_writer(options);
    ASSERT_TRUE((*writer)->append(bodies, Instant{0}, {&cursor, 1}));
  }
  append(2);
  ASSERT_TRUE(drop_segments_before(options, Position{1000}));
  EXPECT_THAT(*(*open_journal_writer(options))->spool_cursors(), ::testing::ElementsAre(cursor));
}

TEST_F(JournalFiles, AReaderFollowsThroughSegmentsThatRetentionTook) {
  append(1);
  const auto reader = open_journal_reader(options);
  EXPECT_EQ((*reader)->read(Position{1}, 10)->size(), 2U);
  append(4);
  ASSERT_TRUE(drop_segments_before(options, Position{7}));
  const Result<std::vector<StoredEntry>> entries = (*reader)->read(Position{3}, 10);
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 4U);
  EXPECT_EQ(entries->front().position, Position{7});
}

TEST_F(JournalFiles, AReaderReportsAMissingEntry) {
  append(1);
  execute(1, "DELETE FROM entry WHERE pos = 1");
  const auto entries = (*open_journal_reader(options))->read(Position{1}, 10);
  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().code, ErrorCode::data_loss);
  EXPECT_THAT(entries.error().message, HasSubstr("entry 1 is missing"));
}

TEST_F(JournalFiles, ReadersAndVerifyGoOnBesideTheWriter) {
  options.segment_bytes = 200 << 10;
  const auto writer = open_journal_writer(options);
  ASSERT_TRUE(writer);
  constexpr std::uint64_t kEntries = 3000;
  std::thread reading([&] {
    const auto reader = open_journal_reader(options);
    std::uint64_t next = 1;
    while (next <= kEntries) {
      const auto entries = (*reader)->read(Position{next}, 7);
      ASSERT_TRUE(entries) << entries.error().message;
      for (const StoredEntry& entry : *entries) {
        ASSERT_EQ(entry.position.value, next);
        ASSERT_EQ(entry.body.substr(0, entry.body.find(' ')), std::to_string(next));
        ++next;
      }
      if (next % 500 == 0) {
        const Result<ChainReport> report = (*reader)->verify();
        ASSERT_TRUE(report && report->intact) << report->problem.code;
      }
    }
  });
  for (std::uint64_t position = 1; position <= kEntries; position += 10) {
    std::vector<std::string> bodies;
    for (std::uint64_t i = 0; i < 10; ++i) {
      bodies.push_back(std::to_string(position + i) + " " + std::string(300, 'x'));
    }
    ASSERT_TRUE((*writer)->append(bodies, Instant{1}, {}));
  }
  reading.join();
  EXPECT_TRUE(std::filesystem::exists(file(4)));
}

}  // namespace
}  // namespace tocsin::collector
