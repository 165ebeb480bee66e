#include "collector/enroll/peer_limiter.hpp"

#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

constexpr MonoTime kStart{10'000'000'000'000};

TEST(PeerLimiter, EachAddressHasItsOwnBudgetInAWindow) {
  PeerLimiter limiter({.per_peer = 2, .altogether = 100, .window = 1min, .peers = 10});
  EXPECT_TRUE(limiter.allow("a", kStart));
  EXPECT_TRUE(limiter.allow("a", kStart));
  EXPECT_FALSE(limiter.allow("a", kStart + 59s));
  EXPECT_TRUE(limiter.allow("b", kStart + 59s));
  EXPECT_EQ(limiter.refused(), 1U);
  EXPECT_TRUE(limiter.allow("a", kStart + 60s));
}

TEST(PeerLimiter, OneLoudAddressDoesNotLockOutTheOthers) {
  PeerLimiter limiter({.per_peer = 2, .altogether = 4, .window = 1min, .peers = 10});
  for (int i = 0; i < 1000; ++i) static_cast<void>(limiter.allow("loud", kStart));
  EXPECT_TRUE(limiter.allow("calm", kStart));
}

TEST(PeerLimiter, ManyAddressesTogetherAreBounded) {
  PeerLimiter limiter({.per_peer = 2, .altogether = 4, .window = 1min, .peers = 10});
  int allowed = 0;
  for (int i = 0; i < 50; ++i) allowed += limiter.allow(std::to_string(i), kStart) ? 1 : 0;
  EXPECT_EQ(allowed, 4);
}

TEST(PeerLimiter, RemembersABoundedNumberOfAddresses) {
  PeerLimiter limiter({.per_peer = 2, .altogether = 1000, .window = 1min, .peers = 10});
  for (int i = 0; i < 500; ++i) static_cast<void>(limiter.allow(std::to_string(i), kStart));
  EXPECT_EQ(limiter.remembered(), 10U);
  EXPECT_TRUE(limiter.allow("3", kStart));
  EXPECT_TRUE(limiter.allow("400", kStart + 61s));
}

}  // namespace
}  // namespace tocsin::collector
