#include "agent/link/send_turns.hpp"

#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

constexpr MonoTime kStart{1'000'000'000'000};
constexpr SendTurns::Pauses kPauses{1s, 60s, 5min};

using Ids = std::vector<std::string>;
using Next = std::optional<std::string>;

TEST(SendTurns, OneThatIsRefusedForNowKeepsNoOtherWaiting) {
  SendTurns turns(kPauses);
  const Ids ready{"a", "b"};
  EXPECT_EQ(turns.next(ready, kStart), "a");
  turns.refused("a", kStart);
  EXPECT_EQ(turns.next(ready, kStart), "b");
  EXPECT_EQ(turns.next({"a"}, kStart), Next());
  EXPECT_EQ(turns.due(), kStart + 5min);
  EXPECT_EQ(turns.next({"a"}, kStart + 5min), "a");
}

TEST(SendTurns, OneThatAlwaysBreaksIsTriedLessAndLess) {
  SendTurns turns(kPauses);
  MonoTime now = kStart;
  Duration last{};
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(turns.next({"a"}, now), "a");
    turns.broke("a", false, now, ~0ULL);
    ASSERT_FALSE(turns.next({"a"}, now));
    EXPECT_GE(*turns.due() - now, last);
    last = *turns.due() - now;
    now = *turns.due();
  }
  EXPECT_GT(last, 30s);
  EXPECT_LE(last, 60s);
}

TEST(SendTurns, ABreakAfterBytesArrivedIsAFirstOne) {
  SendTurns turns(kPauses);
  for (int i = 0; i < 12; ++i) turns.broke("a", false, kStart, ~0ULL);
  turns.broke("a", true, kStart, ~0ULL);
  EXPECT_LE(*turns.due() - kStart, 1s);
}

TEST(SendTurns, WhatIsGoneIsForgotten) {
  SendTurns turns(kPauses);
  turns.refused("a", kStart);
  EXPECT_EQ(turns.next({}, kStart), Next());
  EXPECT_EQ(turns.due(), std::nullopt);
  EXPECT_EQ(turns.next({"a"}, kStart), "a");
}

// Whatever fails, nothing that can be sent waits for it: in as many tries as there are collections
// every one that was not tried has been.
RC_GTEST_PROP(SendTurnsProperty, EachHasItsTurn, ()) {
  const int count = *rc::gen::inRange(1, 12);
  Ids ready;
  for (int i = 0; i < count; ++i) ready.push_back(std::to_string(i));
  SendTurns turns(kPauses);
  MonoTime now = kStart;
  std::map<std::string, int> tried;
  for (int i = 0; i < count; ++i) {
    const auto id = turns.next(ready, now);
    RC_ASSERT(id.has_value());
    ++tried[*id];
    if (*rc::gen::arbitrary<bool>()) {
      turns.refused(*id, now);
    } else {
      turns.broke(*id, *rc::gen::arbitrary<bool>(), now, *rc::gen::arbitrary<std::uint64_t>());
    }
    now = now + std::chrono::milliseconds(*rc::gen::inRange(0, 2000));
  }
  RC_ASSERT(static_cast<int>(tried.size()) == count);
}

}  // namespace
}  // namespace tocsin::agent
