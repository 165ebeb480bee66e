#include "collector/core/number.hpp"

#include <gtest/gtest.h>

namespace tocsin::collector {
namespace {

TEST(Number, FillsTheFormatOfTheSite) {
  EXPECT_EQ(official_number("SI-{roc_year}-{number:4}", 2026, 42), "SI-115-0042");
  EXPECT_EQ(official_number("{year}/{number}", 2026, 42), "2026/42");
  EXPECT_EQ(official_number("{number:2}", 2026, 12345), "12345");
}

TEST(Number, KeepsWhatItDoesNotKnowAndNeverHidesTheNumber) {
  EXPECT_EQ(official_number("{site}-{number:x}", 2026, 7), "{site}-{number:x}-7");
  EXPECT_EQ(official_number("SI-{number", 2026, 7), "SI-{number-7");
  EXPECT_EQ(official_number("", 2026, 7), "-7");
}

TEST(Number, TakesTheYearOfTheSitesZone) {
  const Instant last_hours_of_2026_in_utc{1'798'740'000'000'000'000};  // 2026-12-31T18:00:00Z
  EXPECT_EQ(site_year(last_hours_of_2026_in_utc, "UTC"), 2026);
  EXPECT_EQ(site_year(last_hours_of_2026_in_utc, "Asia/Taipei"), 2027);
  EXPECT_EQ(site_year(last_hours_of_2026_in_utc, "no/such"), 2026);
}

}  // namespace
}  // namespace tocsin::collector
