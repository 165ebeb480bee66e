#include "collector/app/liveness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr MonoTime kStart{1'000'000'000};

TEST(Liveness, NamesThePartThatStoodStillForTooLong) {
  Liveness liveness(30s);
  EXPECT_THAT(liveness.stuck({{"judge", 7}, {"writer", 0}}, kStart), IsEmpty());
  EXPECT_THAT(liveness.stuck({{"judge", 7}, {"writer", 1}}, kStart + 30s), IsEmpty());
  EXPECT_THAT(liveness.stuck({{"judge", 7}, {"writer", 1}}, kStart + 31s), ElementsAre("judge"));
  EXPECT_THAT(liveness.stuck({{"judge", 7}, {"writer", 1}}, kStart + 61s),
              ElementsAre("judge", "writer"));
}

TEST(Liveness, ForgivesAPartThatGoesOn) {
  Liveness liveness(30s);
  liveness.stuck({{"judge", 7}}, kStart);
  EXPECT_THAT(liveness.stuck({{"judge", 7}}, kStart + 1h), ElementsAre("judge"));
  EXPECT_THAT(liveness.stuck({{"judge", 8}}, kStart + 2h), IsEmpty());
  EXPECT_THAT(liveness.stuck({{"judge", 8}}, kStart + 2h + 30s), IsEmpty());
}

}  // namespace
}  // namespace tocsin::collector
