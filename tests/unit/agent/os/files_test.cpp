#include "agent/os/files.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent::os {
namespace {

TEST(Files, AFileOfAnyYearHasATime) {
  EXPECT_EQ(instant_of({1'795'341'600, 5}), Instant{1'795'341'600'000'000'005});
  EXPECT_EQ(instant_of({-1, 0}), Instant{-1'000'000'000});
  EXPECT_EQ(instant_of({8'900'000'000, 0}), Instant{8'900'000'000'000'000'000});
  EXPECT_GE(instant_of({99'000'000'000, 999'999'999}), instant_of({9'000'000'000, 0}));
  EXPECT_LE(instant_of({-99'000'000'000, 0}), instant_of({-9'000'000'000, 0}));
}

}  // namespace
}  // namespace tocsin::agent::os
