#include "agent/checks/journal_sequence.hpp"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

const std::string kId(32, 'a');

std::string cursor(std::uint64_t sequence, const std::string& id = kId) {
  return fmt::format("s={};i={:x};b=95b1;m=1;t=1;x=3", id, sequence);
}

NumberSkips skips_of(std::initializer_list<std::uint64_t> sequence) {
  NumberSkips skips(cursor(40));
  for (const std::uint64_t number : sequence) skips.next(cursor(number));
  return skips;
}

using Numbers = std::vector<std::uint64_t>;

TEST(NumberSkips, AreNumbersThatAreMissingAlone) {
  EXPECT_EQ(skips_of({41, 42}).numbers(), Numbers{});
  EXPECT_EQ(skips_of({42, 44, 45}).numbers(), (Numbers{41, 43}));
  EXPECT_EQ(skips_of({43}).numbers(), Numbers{}) << "two are";
  EXPECT_EQ(skips_of({40, 39, 38}).numbers(), Numbers{});
  NumberSkips other(cursor(40));
  other.next(cursor(42));
  other.next(cursor(1, "b"));
  other.next(cursor(3, "b"));
  EXPECT_EQ(other.numbers(), Numbers{2});
  EXPECT_EQ(other.sequence_id(), "b");
  NumberSkips none("");
  none.next(cursor(2));
  EXPECT_EQ(none.numbers(), Numbers{});
}

// systemd 252 takes number 41 for an entry that does not fit, and 42 for the same one in a new
// file.
TEST(NumberSkips, AreNoGapWhereAFileWasFull) {
  const NumberSkips skips = skips_of({42, 44});
  const os::JournalBounds full{kId, 7, 41};
  const os::JournalBounds next{kId, 42, 60};
  EXPECT_EQ(given_up(skips, {full, next}), 1U);
  EXPECT_EQ(given_up(skips, {next, full}), 1U);
  // Taken out within a file, or where only one of the two says so.
  EXPECT_EQ(given_up(skips, {{kId, 7, 40}, next}), 0U);
  EXPECT_EQ(given_up(skips, {full, {kId, 43, 60}}), 0U);
  EXPECT_EQ(given_up(skips, {full, {kId, 0, 41}}), 0U);
  EXPECT_EQ(given_up(skips, {full, {std::string(32, 'b'), 42, 60}}), 0U);
  EXPECT_EQ(given_up(skips, {}), 0U);
}

TEST(NumberSkips, StayWithinTheirBound) {
  NumberSkips skips(cursor(2));
  for (std::uint64_t i = 2; i < 2 * NumberSkips::kMost; ++i) skips.next(cursor(2 * i));
  EXPECT_EQ(skips.numbers().size(), NumberSkips::kMost);
  EXPECT_TRUE(rc::check("any text is no entry", [](const std::string& noise) {
    NumberSkips other(noise);
    other.next(noise);
    RC_ASSERT(other.numbers().empty());
  }));
}

}  // namespace
}  // namespace tocsin::agent
