#include "common/async/backoff.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::async {
namespace {

TEST(Backoff, DoublesUpToItsLimitAndStartsAnew) {
  Backoff backoff(100ms, 500ms);
  constexpr std::uint64_t kLongest = 50'000'000;  // of the first wait's jitter: half of 100 ms
  EXPECT_EQ(backoff.next(kLongest), 100ms);
  EXPECT_EQ(backoff.next(kLongest * 2), 200ms);
  EXPECT_EQ(backoff.next(kLongest * 4), 400ms);
  EXPECT_EQ(backoff.next(kLongest * 5), 500ms);
  EXPECT_EQ(backoff.next(kLongest * 5), 500ms);
  backoff.reset();
  EXPECT_EQ(backoff.next(kLongest), 100ms);
}

RC_GTEST_PROP(BackoffProperty, EachWaitIsBetweenHalfAndAllOfWhatIsDue,
              (const std::vector<std::uint64_t>& chances)) {
  Backoff backoff(500ms, 60s);
  Duration due = 500ms;
  for (const std::uint64_t chance : chances) {
    const Duration wait = backoff.next(chance);
    RC_ASSERT(wait >= due / 2);
    RC_ASSERT(wait <= due);
    due = std::min<Duration>(60s, due * 2);
  }
}

}  // namespace
}  // namespace tocsin::async
