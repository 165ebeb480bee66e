#include "common/wire/samples.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::wire {
namespace {

TEST(Samples, AreReadAsTheyWereWrittenCurveByCurve) {
  const std::vector<series::Sample> samples{
      {"cpu.busy", Instant{1}, 0.5}, {"disk./.used", Instant{1}, 99}, {"cpu.busy", Instant{2}, -1}};
  v1::Samples message;
  to_proto(samples, message);
  ASSERT_EQ(message.series_size(), 2);
  const auto read = from_proto(message);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (std::vector<series::Sample>{samples[0], samples[2], samples[1]}));
}

TEST(Samples, WhatIsNoNumberOrHasNoNameIsLeftOut) {
  v1::Samples message;
  to_proto(std::vector<series::Sample>{{"a", Instant{1}, std::nan("")},
                                       {"a", Instant{2}, HUGE_VAL},
                                       {"", Instant{3}, 1},
                                       {"a\x1b[1m", Instant{4}, 1}},
           message);
  const auto read = from_proto(message);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().series.find('\x1b'), std::string::npos);
}

TEST(Samples, MoreThanTheirLimitAreRefused) {
  v1::Samples points;
  v1::Series& series = *points.add_series();
  series.set_name("a");
  for (std::size_t i = 0; i < limits::kSamples; ++i) {
    series.add_at_ns(1);
    series.add_value(1);
  }
  EXPECT_TRUE(from_proto(points));
  series.add_at_ns(1);
  EXPECT_FALSE(from_proto(points)) << "times and values do not pair";
  series.add_value(1);
  EXPECT_FALSE(from_proto(points)) << "one too many";
  v1::Samples curves;
  for (std::size_t i = 0; i <= limits::kSeries; ++i) curves.add_series()->set_name("a");
  EXPECT_FALSE(from_proto(curves));
}

}  // namespace
}  // namespace tocsin::wire
