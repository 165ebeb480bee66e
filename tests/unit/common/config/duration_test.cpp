#include "common/config/duration.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::config {
namespace {

TEST(Duration, IsAWholeNumberAndAUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("0s").value(), 0s);
  EXPECT_EQ(parse_duration("90s").value(), 90s);
  EXPECT_EQ(parse_duration("10min").value(), 10min);
  EXPECT_EQ(parse_duration("24h").value(), 24h);
  EXPECT_EQ(parse_duration("7d").value(), 168h);
}

TEST(Duration, IsNothingElse) {
  for (const char* text : {"", "s", "10", "-1s", "-0s", "+1s", " 1s", "1 s", "1s ", "1.5h", "1m",
                           "1H", "1s1s", "99999999999999999999s", "9223372036854775807d", "１s"}) {
    const auto read = parse_duration(text);
    EXPECT_FALSE(read) << text;
  }
}

RC_GTEST_PROP(DurationProperty, WhatIsWrittenReadsBack, ()) {
  const auto ms = *rc::gen::inRange<std::int64_t>(0, 10'000'000'000);
  const Duration d = std::chrono::milliseconds(ms);
  RC_ASSERT(parse_duration(duration_text(d)).value() == d);
}

TEST(DurationText, TakesTheLargestUnitThatDivides) {
  EXPECT_EQ(duration_text(24h), "1d");
  EXPECT_EQ(duration_text(90min), "90min");
  EXPECT_EQ(duration_text(61s), "61s");
  EXPECT_EQ(duration_text(1001ms), "1001ms");
  EXPECT_EQ(duration_text(0s), "0s");
}

}  // namespace
}  // namespace tocsin::config
