#include "agent/checks/antivirus_facts.hpp"

#include <gtest/gtest.h>

#include "common/base/limits.hpp"

namespace tocsin::agent {
namespace {

TEST(AntivirusFacts, ReadsClamdsVersion) {
  const auto version =
      parse_clamd_version(std::string_view("ClamAV 1.4.3/27840/Tue Nov 17 09:12:33 2026\0", 44));
  EXPECT_EQ(version.engine, "1.4.3");
  EXPECT_EQ(version.signatures, "27840");
  EXPECT_EQ(version.signatures_at, (Instant{1'794'906'753'000'000'000}));
}

TEST(AntivirusFacts, ADatabaseOfOnesOwnHasNoTime) {
  const auto version = parse_clamd_version("ClamAV 1.4.3");
  EXPECT_EQ(version.engine, "1.4.3");
  EXPECT_EQ(version.signatures, "");
  EXPECT_EQ(version.signatures_at, Instant{});
  EXPECT_EQ(parse_clamd_version("ClamAV 1/2/Tomorrow").signatures_at, Instant{});
  EXPECT_EQ(parse_clamd_version("ClamAV 1/2/Tue Nov 17 09:12:33 99999").signatures_at, Instant{});
}

TEST(AntivirusFacts, ReadsAnswersToAScan) {
  using Kind = ScanAnswer::Kind;
  EXPECT_EQ(parse_clamd_scan(std::string_view("fd[10]: OK\0", 11)).kind, Kind::clean);
  const auto found = parse_clamd_scan("fd[10]: Win.Test.EICAR_HDB-1 FOUND");
  EXPECT_EQ(found.kind, Kind::infected);
  EXPECT_EQ(found.text, "Win.Test.EICAR_HDB-1");
  // A file may be called anything; only the end of the line is the scanner's.
  EXPECT_EQ(parse_clamd_scan("/tmp/a: OK: Evil FOUND").kind, Kind::infected);
  EXPECT_EQ(parse_clamd_scan("fd[10]: Can't allocate memory ERROR").kind, Kind::error);
  EXPECT_EQ(parse_clamd_scan("").kind, Kind::error);
  EXPECT_EQ(parse_clamd_scan(" FOUND").kind, Kind::error);
}

TEST(AntivirusFacts, HitsAreBoundedAndCounted) {
  model::AntivirusFacts facts;
  for (std::size_t i = 0; i < limits::kAntivirusHits + 3; ++i) add_hit(facts, "/x", "y", 1);
  EXPECT_EQ(facts.hits.size(), limits::kAntivirusHits);
  EXPECT_EQ(facts.hits_over_limit, 3U);
}

}  // namespace
}  // namespace tocsin::agent
