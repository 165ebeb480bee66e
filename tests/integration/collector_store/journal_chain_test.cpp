// Somebody changes what was journaled: verify() names the segment, the place and what is wrong.
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/sqlite_journal.hpp"
#include "common/sqlite/sqlite.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::collector {
namespace {

// Two segments: entries 1-2, 3-5, 6 in the first and 7-8, 9 in the second.
class JournalChain : public ::testing::Test {
 protected:
  void SetUp() override {
    options.directory = directory.path();
    const auto append = [this](const std::vector<std::string>& bodies, std::int64_t at) {
      const auto writer = open_journal_writer(options);
      ASSERT_TRUE(writer) << writer.error().message;
      ASSERT_TRUE((*writer)->append(bodies, Instant{at}, {}));
    };
    append({"one", "two"}, 10);
    append({"three", "four", "five"}, 20);
    append({"six"}, 30);
    options.segment_bytes = 1;
    append({"seven", "eight"}, 40);
    options.segment_bytes = 1 << 30;
    append({"nine"}, 50);
    ASSERT_EQ(verify(), "intact");
  }

  void tamper(int segment, const std::string& sql) {
    sqlite::OpenOptions how;
    how.create = false;
    auto database = sqlite::Database::open(file(segment), how);
    ASSERT_TRUE(database);
    const Status done = database->execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }

  std::string file(int segment) const {
    return directory.file("journal-00000" + std::to_string(segment) + ".db");
  }

  // "intact", or the code and the parameters' values.
  std::string verify() const {
    const Result<ChainReport> report = (*open_journal_reader(options))->verify();
    if (!report) return report.error().message;
    if (report->intact) return "intact";
    std::string text = report->problem.code;
    for (const model::Parameter& parameter : report->problem.parameters) {
      if (parameter.name != "detail") text += " " + parameter.value;
    }
    return text;
  }

  tests::TempDir directory;
  SqliteJournalOptions options;
};

TEST_F(JournalChain, CoversBothSegments) {
  const Result<ChainReport> report = (*open_journal_reader(options))->verify();
  EXPECT_EQ(report->entries, 9U);
  EXPECT_EQ(report->groups, 5U);
}

TEST_F(JournalChain, FindsAnAlteredBody) {
  tamper(1, "UPDATE entry SET body = x'666f7572ff' WHERE pos = 4");
  EXPECT_EQ(verify(), "journal.chain.altered journal-000001.db 3 5");
}

TEST_F(JournalChain, FindsAnAlteredTime) {
  tamper(1, "UPDATE entry SET at = at + 1 WHERE pos = 5");
  EXPECT_EQ(verify(), "journal.chain.altered journal-000001.db 3 5");
}

TEST_F(JournalChain, FindsAnAlteredPosition) {
  tamper(2, "UPDATE entry SET pos = pos + 256 WHERE pos = 8");
  EXPECT_EQ(verify(), "journal.chain.missing journal-000002.db 8");
}

TEST_F(JournalChain, FindsExchangedEntries) {
  tamper(1,
         "UPDATE entry SET body = CASE pos WHEN 3 THEN x'666f7572' ELSE x'7468726565' END"
         " WHERE pos IN (3, 4)");
  EXPECT_EQ(verify(), "journal.chain.altered journal-000001.db 3 5");
}

TEST_F(JournalChain, FindsAMissingEntry) {
  tamper(1, "DELETE FROM entry WHERE pos = 2");
  EXPECT_EQ(verify(), "journal.chain.missing journal-000001.db 2");
}

TEST_F(JournalChain, FindsAMissingGroup) {
  tamper(1,
         "DELETE FROM commit_group WHERE first = 3; DELETE FROM entry WHERE pos BETWEEN 3 AND 5");
  EXPECT_EQ(verify(), "journal.chain.missing journal-000001.db 3");
}

TEST_F(JournalChain, FindsAnEndThatWasCutOffBeforeAnotherSegment) {
  tamper(1, "DELETE FROM commit_group WHERE first = 6; DELETE FROM entry WHERE pos = 6");
  EXPECT_EQ(verify(), "journal.chain.missing journal-000002.db 6");
}

TEST_F(JournalChain, FindsAnAddedEntry) {
  tamper(2, "INSERT INTO entry VALUES(10, 50, x'aa')");
  EXPECT_EQ(verify(), "journal.chain.stray journal-000002.db 10");
}

TEST_F(JournalChain, FindsAnAddedEntryBeforeTheSegmentsFirst) {
  tamper(2, "INSERT INTO entry VALUES(2, 50, x'aa')");
  EXPECT_EQ(verify(), "journal.chain.stray journal-000002.db 2");
}

TEST_F(JournalChain, FindsEveryAlteredColumnOfAGroup) {
  tamper(1, "UPDATE commit_group SET hash = zeroblob(32) WHERE first = 3");
  EXPECT_EQ(verify(), "journal.chain.altered journal-000001.db 3 5");
}

TEST_F(JournalChain, FindsAnAlteredPreviousHash) {
  tamper(1, "UPDATE commit_group SET prev_hash = zeroblob(32) WHERE first = 3");
  EXPECT_EQ(verify(), "journal.chain.link journal-000001.db 3");
}

TEST_F(JournalChain, FindsAnAlteredGroupTime) {
  tamper(1, "UPDATE commit_group SET at = 21 WHERE first = 3");
  EXPECT_EQ(verify(), "journal.chain.altered journal-000001.db 3 5");
}

TEST_F(JournalChain, FindsAGroupTimeThatGoesBack) {
  tamper(1, "UPDATE commit_group SET at = 5 WHERE first = 3");
  EXPECT_EQ(verify(), "journal.chain.order journal-000001.db 3");
}

TEST_F(JournalChain, FindsAnAlteredEndOfAGroup) {
  tamper(1, "UPDATE commit_group SET last = 4 WHERE first = 3");
  EXPECT_EQ(verify(), "journal.chain.altered journal-000001.db 3 4");
}

TEST_F(JournalChain, FindsAnAlteredBeginningOfAGroup) {
  tamper(1, "UPDATE commit_group SET first = 5 WHERE first = 3");
  EXPECT_EQ(verify(), "journal.chain.missing journal-000001.db 3");
}

TEST_F(JournalChain, FindsTheLastGroupMovedBack) {
  tamper(2, "UPDATE commit_group SET first = 8 WHERE first = 9");
  EXPECT_EQ(verify(), "journal.chain.order journal-000002.db 8");
}

TEST_F(JournalChain, FindsEveryAlteredColumnOfASegmentsRecord) {
  tamper(2, "UPDATE segment SET prev_hash = zeroblob(32)");
  EXPECT_EQ(verify(), "journal.chain.link journal-000002.db 7");
  tamper(1, "UPDATE segment SET prev_hash = randomblob(32)");
  EXPECT_EQ(verify(), "journal.chain.link journal-000001.db 1");
}

TEST_F(JournalChain, FindsAnAlteredFirstPositionOfASegment) {
  tamper(2, "UPDATE segment SET first = 8");
  EXPECT_EQ(verify(), "journal.chain.missing journal-000002.db 7");
}

TEST_F(JournalChain, FindsAnAlteredTimeOfASegment) {
  tamper(2, "UPDATE segment SET prev_at = 29");
  EXPECT_EQ(verify(), "journal.chain.order journal-000002.db 7");
}

TEST_F(JournalChain, FindsAnAlteredNumberOfASegment) {
  tamper(2, "UPDATE segment SET number = 3");
  EXPECT_EQ(verify(), "journal.chain.unreadable journal-000002.db");
}

TEST_F(JournalChain, FindsSegmentsOfAnotherJournal) {
  tests::TempDir other;
  SqliteJournalOptions elsewhere;
  elsewhere.directory = other.path();
  const std::vector<std::string> bodies{"a", "b", "c", "d", "e", "f"};
  ASSERT_TRUE((*open_journal_writer(elsewhere))->append(bodies, Instant{30}, {}));
  std::filesystem::copy_file(other.file("journal-000001.db"), file(1),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(verify(), "journal.chain.link journal-000002.db 7");
}

// Any bit of the files that matters: a flipped byte is found wherever it lies, or lies where
// nothing is stored.
TEST_F(JournalChain, NoFlippedByteChangesWhatIsReadUnnoticed) {
  std::string original;
  {
    std::ifstream in(file(1), std::ios::binary);
    original.assign(std::istreambuf_iterator<char>(in), {});
  }
  ASSERT_GT(original.size(), 4096U);
  const auto read_all = [this] {
    const auto reader = open_journal_reader(options);
    std::vector<std::string> bodies;
    const Result<std::vector<StoredEntry>> entries = (*reader)->read(Position{1}, 100);
    if (!entries) return std::vector<std::string>{};
    for (const StoredEntry& entry : *entries) {
      bodies.push_back(std::to_string(entry.at.ns) + entry.body);
    }
    return bodies;
  };
  const std::vector<std::string> expected = read_all();
  ASSERT_EQ(expected.size(), 9U);
  int found = 0;
  for (std::size_t at = 0; at < original.size(); at += 37) {
    std::string damaged = original;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    std::ofstream(file(1), std::ios::binary | std::ios::trunc) << damaged;
    if (verify() != "intact") {
      ++found;
      continue;
    }
    ASSERT_EQ(read_all(), expected) << "the flipped byte " << at << " was not found";
  }
  EXPECT_GT(found, 10);
}

}  // namespace
}  // namespace tocsin::collector
