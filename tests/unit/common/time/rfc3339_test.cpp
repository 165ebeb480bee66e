#include <cstdint>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/time/civil.hpp"

namespace tocsin::time {
namespace {

TEST(Rfc3339, IsReadStrictly) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01Z"), Instant{1'000'000'000});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00-01:30"), Instant{5400'000'000'000});
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59.5Z"), Instant{-500'000'000});
  for (const char* bad :
       {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00+1", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00Z ",
        "1970-01-01T-0:00:00Z", "1970-02-30T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

TEST(Rfc3339, WhatNoInstantCanSayIsNone) {
  EXPECT_EQ(parse_rfc3339(rfc3339(Instant{INT64_MAX})), Instant{INT64_MAX / 1'000'000 * 1'000'000});
  EXPECT_FALSE(parse_rfc3339("2262-04-11T23:47:16.855Z"));
  EXPECT_FALSE(parse_rfc3339("9999-12-31T23:59:59Z"));
  EXPECT_FALSE(parse_rfc3339("0001-01-01T00:00:00Z"));
}

RC_GTEST_PROP(Rfc3339Property, IsReadAsItWasWritten, ()) {
  const auto ms = *rc::gen::inRange<std::int64_t>(-9'223'372'036'000, 9'223'372'036'854);
  const Instant at{ms * 1'000'000};
  RC_ASSERT(parse_rfc3339(rfc3339(at)) == at);
}

}  // namespace
}  // namespace tocsin::time
