#include "agent/checks/journal_files.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

const std::string kId(32, 'a');

ArchivedJournal file(std::uint64_t sequence, std::uint64_t at_us = 0, std::string id = kId) {
  return {std::move(id), sequence, at_us > 0 ? at_us : 1000 + sequence};
}
std::string name_of(const ArchivedJournal& file, const char* of = "system") {
  return fmt::format("{}@{}-{:016x}-{:016x}.journal", of, file.sequence_id, file.sequence,
                     file.at_us);
}

TEST(ArchivedJournal, IsKnownByItsName) {
  EXPECT_EQ(parse_archived_journal("system@b4b5293f1f13415b9c1265d543dcc0c9-0000000000000001-"
                                   "000660f08ae009ac.journal"),
            file(1, 0x660f08ae009ac, "b4b5293f1f13415b9c1265d543dcc0c9"));
  EXPECT_EQ(parse_archived_journal(name_of(file(77), "user-1000")), file(77));
  for (const std::string& other :
       {std::string(), std::string("system.journal"), std::string("user-1000.journal"),
        std::string("system@000660f08ae009ac-b0a5293f1f13415b.journal~"), name_of(file(5)) + "~",
        name_of(file(5)).substr(7), name_of({kId, 0, 5}),
        name_of(file(5, 0, std::string(32, 'x')))}) {
    EXPECT_EQ(parse_archived_journal(other), std::nullopt) << other;
  }
}

TEST(ArchivedJournals, ReadBackWhatTheyWrote) {
  const auto files = archived_journals({name_of(file(9)), "x", name_of(file(1)), name_of(file(5))});
  EXPECT_EQ(files, (std::vector{file(1), file(5), file(9)}));
  EXPECT_EQ(parse_archived_journals(to_text(files)), files);
  EXPECT_EQ(parse_archived_journals(""), std::vector<ArchivedJournal>{});
  for (const std::string& other : {std::string(","), to_text({file(5), file(1)}),
                                   to_text({file(5)}) + ",", std::string("a-1-2")}) {
    EXPECT_EQ(parse_archived_journals(other), std::nullopt) << other;
  }
  std::vector<std::string> many;
  for (std::uint64_t i = 1; i <= 300; ++i) many.push_back(name_of(file(i)));
  const auto newest = archived_journals(many);
  ASSERT_EQ(newest.size(), kArchivedFollowed);
  EXPECT_EQ(newest.back(), file(300));
  EXPECT_EQ(parse_archived_journals(to_text(newest)), newest);
  EXPECT_TRUE(rc::check("any bytes", [](const std::string& noise) {
    parse_archived_journal("system@" + noise + ".journal");
    const auto read = parse_archived_journals(noise);
    // In brackets of its own: the macro would look at both sides of the "or".
    RC_ASSERT((!read || parse_archived_journals(to_text(*read)) == *read));
  }));
}

// procedure M-05: who removes the file that has last night
TEST(ArchivedJournals, MissOneThatWasTakenOutFromBetween) {
  const std::vector before{file(1), file(100), file(250), file(300)};
  EXPECT_EQ(entries_taken_out(before, before), 0U);
  EXPECT_EQ(entries_taken_out(before, {file(1), file(250), file(300)}), 150U);
  EXPECT_EQ(entries_taken_out(before, {file(1), file(300), file(400)}), 200U);
  EXPECT_EQ(entries_taken_out(before, {file(1), file(100), file(250), file(420)}), 120U);
  EXPECT_EQ(entries_taken_out(before, {file(1), file(100), file(250)}), 1U);
}

TEST(ArchivedJournals, MissNoneThatWasTheOldest) {
  const std::vector before{file(1), file(100), file(250)};
  EXPECT_EQ(entries_taken_out(before, {file(250), file(400)}), 0U);
  EXPECT_EQ(entries_taken_out(before, {}), 0U);
  // Of another sequence nothing can be said, nor where the clock was set back between.
  EXPECT_EQ(entries_taken_out(before, {file(1, 900, std::string(32, 'b'))}), 0U);
  EXPECT_EQ(entries_taken_out({file(1, 9000), file(100, 8000)}, {file(1, 9000)}), 0U);
}

TEST(ArchivedJournals, MissNothingOfWhatJournaldRemoves) {
  EXPECT_TRUE(rc::check("the oldest first", [](std::size_t removed, std::size_t added) {
    std::vector<ArchivedJournal> files;
    for (std::uint64_t i = 1; i <= 20; ++i) files.push_back(file(i * 10));
    const auto before = files;
    files.erase(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(removed % 21));
    for (std::uint64_t i = 0; i < added % 9; ++i) files.push_back(file(500 + i));
    RC_ASSERT(entries_taken_out(before, files) == 0U);
  }));
}

}  // namespace
}  // namespace tocsin::agent
