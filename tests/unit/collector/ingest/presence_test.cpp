#include "collector/ingest/presence.hpp"

#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

using model::Presence;

constexpr MonoTime kStart{1'000'000'000'000};

TEST(AgentWatch, IsJournaledWhenItChangesAndOnlyThen) {
  AgentWatch watch(std::nullopt, kStart);
  EXPECT_FALSE(watch.look(kStart + 1h, 90s)) << "an agent that was never heard is not silent";
  ASSERT_TRUE(watch.greeted(kStart + 1h, "0.1.0"));
  EXPECT_FALSE(watch.greeted(kStart + 1h + 1s, "0.1.0"));
  EXPECT_TRUE(watch.greeted(kStart + 1h + 2s, "0.2.0")) << "its version is news";
  EXPECT_FALSE(watch.heard(kStart + 1h + 3s));
  EXPECT_FALSE(watch.look(kStart + 1h + 93s, 90s));
  const auto silent = watch.look(kStart + 1h + 94s, 90s);
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->state, Presence::silent);
  EXPECT_EQ(silent->since, 91s) << "since it was heard last";
  EXPECT_FALSE(watch.look(kStart + 2h, 90s));
  const auto heard = watch.heard(kStart + 2h);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->state, Presence::heard);
}

TEST(AgentWatch, AKnownAgentHasTheWholeLimitToComeBack) {
  AgentWatch watch(Presence::heard, kStart);
  EXPECT_FALSE(watch.look(kStart + 90s, 90s));
  EXPECT_EQ(watch.look(kStart + 91s, 90s)->detail.code, "link.never_back");
  AgentWatch silent(Presence::silent, kStart);
  EXPECT_FALSE(silent.look(kStart + 91s, 90s)) << "the journal says so already";
  EXPECT_TRUE(silent.greeted(kStart + 92s, "0.1.0"));
}

TEST(AgentWatch, ALinkThatTalksDoesNotHideAnObserverThatStopped) {
  AgentWatch watch(std::nullopt, kStart);
  ASSERT_TRUE(watch.greeted(kStart, "0.1.0"));
  EXPECT_FALSE(watch.stalled(kStart + 1s, Duration{}));
  const auto stalled = watch.stalled(kStart + 120s, 100s);
  ASSERT_TRUE(stalled);
  EXPECT_EQ(stalled->state, Presence::silent);
  EXPECT_EQ(stalled->detail.code, "link.observer_stalled");
  EXPECT_FALSE(watch.heard(kStart + 121s)) << "its link is not what is missing";
  EXPECT_FALSE(watch.stalled(kStart + 122s, 102s));
  EXPECT_EQ(watch.stalled(kStart + 123s, Duration{})->state, Presence::heard);
}

TEST(AgentWatch, ASuspectedCloneIsToldOnceAndForgottenWhenItStaysAway) {
  AgentWatch watch(std::nullopt, kStart);
  ASSERT_TRUE(watch.greeted(kStart, "0.1.0"));
  EXPECT_EQ(watch.clone_seen(kStart + 1s)->state, Presence::clone_suspected);
  EXPECT_FALSE(watch.clone_seen(kStart + 2s));
  EXPECT_FALSE(watch.heard(kStart + 3s)) << "the old one is heard, and the suspicion stays";
  watch.heard(kStart + 9min);
  EXPECT_FALSE(watch.look(kStart + 9min, 90s));
  watch.heard(kStart + 11min);
  EXPECT_EQ(watch.look(kStart + 11min, 90s)->state, Presence::heard);
}

TEST(AgentWatch, ASuspicionFromBeforeTheStartIsNotForgottenAtOnce) {
  AgentWatch watch(Presence::clone_suspected, kStart);
  EXPECT_FALSE(watch.look(kStart + 1s, 90s));
  EXPECT_EQ(watch.look(kStart + 91s, 90s)->state, Presence::silent);
}

TEST(AgentWatch, ARestoredAgentIsSuspectedUntilNothingMoreWasSeenForAWhile) {
  AgentWatch watch(std::nullopt, kStart);
  const auto seen = watch.restored_seen(kStart);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, Presence::clone_suspected);
  EXPECT_EQ(seen->detail.code, "link.epoch_required");
  EXPECT_FALSE(watch.greeted(kStart + 1s, "0.1.0")) << "it is back, and still suspected";
  watch.heard(kStart + 11min);
  EXPECT_EQ(watch.look(kStart + 11min, 90s)->state, Presence::heard);
}

}  // namespace
}  // namespace tocsin::collector
