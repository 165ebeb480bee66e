#include "collector/ingest/sequence.hpp"

#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::collector {
namespace {

using Kind = Resumption::Kind;

TEST(Sequence, OnlyTheNextNumberIsTakenIn) {
  EXPECT_EQ(place(Seq{4}, Seq{5}, 3).fresh, 3U);
  EXPECT_EQ(place(Seq{4}, Seq{4}, 3).duplicates, 1U);
  EXPECT_EQ(place(Seq{4}, Seq{4}, 3).fresh, 2U);
  EXPECT_EQ(place(Seq{4}, Seq{1}, 2).duplicates, 2U);
  EXPECT_EQ(place(Seq{4}, Seq{1}, 2).fresh, 0U);
  EXPECT_TRUE(place(Seq{4}, Seq{6}, 1).gap);
  EXPECT_EQ(place(Seq{4}, Seq{6}, 1).fresh, 0U);
  EXPECT_FALSE(place(Seq{}, Seq{1}, 1).gap);
}

TEST(Sequence, AnAgentGoesOnWhereTheJournalStands) {
  EXPECT_EQ(resume_after(Seq{4}, Seq{5}, Seq{4}).kind, Kind::go_on);  // empty, all taken in
  EXPECT_EQ(resume_after(Seq{4}, Seq{3}, Seq{9}).kind, Kind::go_on);
  EXPECT_EQ(resume_after(Seq{}, Seq{1}, Seq{}).kind, Kind::go_on);  // nothing yet
  EXPECT_EQ(resume_after(Seq{4}, Seq{1}, Seq{3}).kind, Kind::behind);
  EXPECT_EQ(resume_after(Seq{4}, Seq{1}, Seq{}).kind, Kind::behind);
  EXPECT_EQ(resume_after(Seq{}, Seq{}, Seq{}).kind, Kind::nonsense);
  EXPECT_EQ(resume_after(Seq{}, Seq{5}, Seq{3}).kind, Kind::nonsense);
  const Resumption lost = resume_after(Seq{4}, Seq{8}, Seq{9});
  EXPECT_EQ(lost.kind, Kind::lost);
  EXPECT_EQ(lost.lost_from, Seq{5});
  EXPECT_EQ(lost.lost_to, Seq{7});
  EXPECT_EQ(resume_after(Seq{4}, Seq{10}, Seq{9}).kind, Kind::lost);  // and empty
}

// However batches are cut, repeated and reordered, what is taken in is 1, 2, 3 … without a hole.
RC_GTEST_PROP(SequenceProperty, AnyOrderOfBatchesTakesEachNumberInOnce, ()) {
  const auto batches = *rc::gen::container<std::vector<std::pair<std::uint8_t, std::uint8_t>>>(
      rc::gen::pair(rc::gen::inRange<std::uint8_t>(1, 40), rc::gen::inRange<std::uint8_t>(1, 9)));
  Seq last;
  std::vector<std::uint64_t> taken;
  for (const auto& [first, count] : batches) {
    const Placement placement = place(last, Seq{first}, count);
    RC_ASSERT(placement.gap == (first > last.value + 1));
    for (std::uint64_t i = 0; i < placement.fresh; ++i) {
      taken.push_back(first + placement.duplicates + i);
    }
    if (!placement.gap) RC_ASSERT(placement.duplicates + placement.fresh == count);
    last.value += placement.fresh;
  }
  for (std::size_t i = 0; i < taken.size(); ++i) RC_ASSERT(taken[i] == i + 1);
  RC_ASSERT(taken.size() == last.value);
}

// A spool whose rows 5..9 wait: chains c4 (before them) .. c9.
SpoolEnds ends() { return {Seq{5}, "c4", Seq{9}, "c9"}; }

TEST(Sequence, ASpoolIsKnownByItsChainWhereTheCollectorStands) {
  EXPECT_EQ(history_of(Seq{4}, "c4", ends()), History::same);
  EXPECT_EQ(history_of(Seq{4}, "other", ends()), History::another);
  EXPECT_EQ(history_of(Seq{9}, "c9", ends()), History::same);
  EXPECT_EQ(history_of(Seq{9}, "other", ends()), History::another);
  EXPECT_EQ(history_of(Seq{6}, "c6", ends()), History::ask) << "among the rows that wait";
}

TEST(Sequence, WithoutAChainEverySpoolIsBelieved) {
  EXPECT_EQ(history_of(Seq{}, "", ends()), History::same) << "nothing was taken in";
  EXPECT_EQ(history_of(Seq{6}, "", ends()), History::same) << "taken in from an older agent";
  EXPECT_EQ(history_of(Seq{6}, "c6", {Seq{5}, "", Seq{9}, ""}), History::same) << "cannot answer";
  EXPECT_EQ(history_of(Seq{4}, "c4", {Seq{5}, "", Seq{9}, "c9"}), History::same);
  EXPECT_EQ(history_of(Seq{3}, "c3", ends()), History::same) << "4 is lost: that is said apart";
}

}  // namespace
}  // namespace tocsin::collector
