#include "agent/checks/log_heartbeat.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using model::LogHeartbeat;

constexpr Instant kStart{1'700'000'000'000'000'000};
constexpr const char* kMark = "0123456789abcdef";

HeartbeatState written(Instant at = kStart) {
  HeartbeatState state;
  note_written(state, true, kMark, 4096, at);
  return state;
}

// procedure M-05
TEST(LogHeartbeat, ComesBack) {
  HeartbeatState state = written();
  EXPECT_EQ(state.last, LogHeartbeat::waiting);
  note_looked(state, true, kStart + 30s);
  EXPECT_EQ(state.last, LogHeartbeat::returned);
  EXPECT_TRUE(state.worked);
  EXPECT_FALSE(is_due(state, 5min, kStart + 4min));
  EXPECT_TRUE(is_due(state, 5min, kStart + 5min));
}

TEST(LogHeartbeat, IsMissedOnlyAfterTwoLooksPastItsGrace) {
  HeartbeatState state = written();
  note_looked(state, false, kStart + 5s);
  note_looked(state, false, kStart + 19s);
  EXPECT_EQ(state.last, LogHeartbeat::waiting);
  // One look right after a machine slept for an hour proves nothing.
  note_looked(state, false, kStart + 1h);
  EXPECT_EQ(state.last, LogHeartbeat::waiting);
  EXPECT_FALSE(is_due(state, 5min, kStart + 1h));
  note_looked(state, false, kStart + 1h + 30s);
  EXPECT_EQ(state.last, LogHeartbeat::missing);
  EXPECT_TRUE(is_due(state, 5min, kStart + 1h + 30s));
}

TEST(LogHeartbeat, ThatComesLateEndsTheSuspicion) {
  HeartbeatState state = written();
  note_looked(state, false, kStart + 30s);
  note_looked(state, false, kStart + 60s);
  ASSERT_EQ(state.last, LogHeartbeat::missing);
  note_looked(state, true, kStart + 90s);
  EXPECT_EQ(state.last, LogHeartbeat::returned);
}

TEST(LogHeartbeat, WhatTheOneBeforeShowedHoldsWhileTheNextIsOnItsWay) {
  HeartbeatState state = written();
  note_looked(state, true, kStart + 30s);
  note_written(state, true, kMark, 8192, kStart + 5min);
  EXPECT_EQ(state.last, LogHeartbeat::returned);
  EXPECT_EQ(state.from, 8192U);
}

TEST(LogHeartbeat, ThatNobodyTakesIsTriedAgainSoon) {
  HeartbeatState state;
  note_written(state, false, kMark, 0, kStart);
  EXPECT_EQ(state.last, LogHeartbeat::not_written);
  EXPECT_TRUE(state.mark.empty());
  EXPECT_FALSE(is_due(state, 5min, kStart + 59s));
  EXPECT_TRUE(is_due(state, 5min, kStart + 1min));
}

TEST(LogHeartbeat, NeverComesWhereTheHostDoesNotWantIt) {
  EXPECT_FALSE(is_due({}, 0s, kStart));
  EXPECT_TRUE(is_due({}, 5min, kStart));
}

TEST(LogHeartbeat, AClockThatWasSetBackStopsNothing) {
  HeartbeatState state = written();
  note_looked(state, true, kStart);
  EXPECT_TRUE(is_due(state, 5min, kStart + -1h));
}

TEST(LogHeartbeat, OfADamagedSpoolIsNone) {
  const std::string good = to_text(written());
  ASSERT_EQ(parse_heartbeat(good), written());
  const std::size_t stamp = good.find(';') + 1;
  const std::string rest = good.substr(good.find(';', stamp));
  for (const char* damaged : {"", "x", "-1", "-9223372036854775808"}) {
    EXPECT_EQ(parse_heartbeat(good.substr(0, stamp) + damaged + rest), std::nullopt) << damaged;
  }
}

TEST(LogHeartbeat, IsKnownByItsWholeText) {
  EXPECT_TRUE(is_heartbeat("tocsin-agent", heartbeat_text(kMark)));
  EXPECT_FALSE(is_heartbeat("sshd", heartbeat_text(kMark)));
  EXPECT_FALSE(is_heartbeat("tocsin-agent", heartbeat_text(kMark) + " Failed password"));
  EXPECT_FALSE(is_heartbeat("tocsin-agent", "heartbeat"));
  const std::string record =
      "type=USER msg=audit(1790000000.123:77): pid=812 uid=990 auid=4294967295 ses=4294967295 "
      "subj=unconfined msg='tocsin-agent heartbeat 0123456789abcdef'";
  EXPECT_TRUE(is_heartbeat("", record));
  EXPECT_FALSE(is_heartbeat("", "type=USER_LOGIN " + record));
  EXPECT_TRUE(holds_heartbeat("a\n" + record + "\nb", kMark));
  EXPECT_FALSE(holds_heartbeat(record, "fedcba9876543210"));
  EXPECT_FALSE(holds_heartbeat(record, ""));
}

RC_GTEST_PROP(LogHeartbeatProperty, IsReadAsItWasKept, ()) {
  HeartbeatState state;
  if (*rc::gen::arbitrary<bool>()) state.mark = kMark;
  state.written = Instant{*rc::gen::nonNegative<std::int64_t>()};
  state.from = *rc::gen::arbitrary<std::uint64_t>();
  state.misses = *rc::gen::arbitrary<std::uint32_t>();
  state.worked = *rc::gen::arbitrary<bool>();
  state.last = static_cast<LogHeartbeat>(*rc::gen::inRange(0, 5));
  RC_ASSERT(parse_heartbeat(to_text(state)) == state);
}

}  // namespace
}  // namespace tocsin::agent
