#include "agent/checks/audit_trail.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/unit/agent/checks/audit_records.hpp"

namespace tocsin::agent {
namespace {

using model::Tristate;

TrailReader reading(std::string_view text, const TrailPlace& before = {}, bool booted = false) {
  TrailReader reader(before, booted);
  reader.read(text);
  return reader;
}

std::string record(std::uint64_t serial) {
  return fmt::format("type=USER msg=audit(1700000000.123:{}): pid=1\n", serial);
}
std::string records(const std::vector<std::uint64_t>& serials) {
  std::string text;
  for (const std::uint64_t serial : serials) text += record(serial);
  return text;
}

TEST(AuditTrail, KnowsTheRecordThatTurnsAuditingOff) {
  const auto after_records = [](std::initializer_list<const char*> lines) {
    std::string text;
    for (const char* line : lines) text += line;
    return reading(text).place().recorded_on;
  };
  EXPECT_EQ(after_records({}), Tristate::unknown);
  EXPECT_EQ(after_records({kStart}), Tristate::unknown);
  EXPECT_EQ(after_records({kStart, kUser}), Tristate::yes);
  EXPECT_EQ(after_records({kUser, kOff}), Tristate::no);
  EXPECT_EQ(after_records({kUser, kOff, kOfTheSame, kEnd}), Tristate::no);
  // The kernel does not record that it is turned on again, but everything that comes after.
  EXPECT_EQ(after_records({kUser, kOff, kOfTheSame, kLater}), Tristate::yes);
  std::string refused = kOff;
  refused.replace(refused.find("res=1"), 5, "res=0");
  EXPECT_EQ(after_records({kUser, refused.c_str()}), Tristate::yes);
  // The rest of an event may come with the next look.
  EXPECT_EQ(reading(kOfTheSame, {204, Tristate::no}).place().recorded_on, Tristate::no);
  EXPECT_EQ(reading(kLater, {204, Tristate::no}).place().recorded_on, Tristate::yes);
}

TEST(AuditTrail, CountsNumbersThatNoLineHas) {
  EXPECT_EQ(reading(records({5, 6, 7})).missing(), 0U);
  EXPECT_EQ(reading(records({5, 9})).missing(), 3U);
  EXPECT_EQ(reading(records({5, 9, 7})).missing(), 2U);
  EXPECT_EQ(reading(records({5, 9, 7, 6, 8, 8, 4})).missing(), 0U);
  EXPECT_EQ(reading(records({9}), {5, Tristate::yes}).missing(), 3U);
  EXPECT_EQ(reading(std::string(kUser) + kStart + kOff + kEnd).missing(), 0U);
}

// At the end of what was read a record may be missing whose followers are there already.
TEST(AuditTrail, TellsWhatIsMissingUpToANumber) {
  TrailReader reader = reading(records({5, 7, 9}));
  EXPECT_EQ(reader.missing_until(9), 2U);
  reader.read(records({8, 20}));
  EXPECT_EQ(reader.missing_until(9), 1U);
  EXPECT_EQ(reader.missing_until(12), 4U);
  EXPECT_EQ(reader.missing(), 11U);
}

TEST(AuditTrail, BeginsWithTheNumbersOfANewBoot) {
  const std::string text = records({50'001, 50'003, 1, 2, 4});
  const TrailReader reader = reading(text, {50'000, Tristate::no}, true);
  EXPECT_EQ(reader.place(), (TrailPlace{4, Tristate::yes}));
  EXPECT_EQ(reader.missing(), 1U);
  // In the same boot a number so low comes late, as of the kernel's queue of what nobody took.
  EXPECT_EQ(reading(text, {50'000, Tristate::no}).place().serial, 50'003U);
  // Whose number the last one is cannot be told before the new ones come.
  EXPECT_EQ(reading(record(50'001), {50'000, Tristate::no}, true).place().serial, 0U);
  EXPECT_EQ(reading(record(3), {2, Tristate::no}, true).place().serial, 3U);
}

TEST(AuditTrail, WaitsForNoMoreRangesThanItMayKeep) {
  std::vector<std::uint64_t> odd;
  for (std::uint64_t i = 0; i < 3 * kOpenRanges; ++i) odd.push_back(2 * i + 1);
  std::string text = records(odd);
  EXPECT_EQ(reading(text).missing(), odd.size() - 1);
  text += record(2);  // too late
  text += record(odd.back() - 1);
  EXPECT_EQ(reading(text).missing(), odd.size() - 2);
}

TEST(AuditTrail, PassesOverTheRestOfALineThatIsLongerThanAnyRecord) {
  const std::string noise(3 * kLongestLine, 'x');
  EXPECT_EQ(reading(noise + record(7)).place().serial, 0U);
  EXPECT_EQ(reading(noise + "\n" + record(7)).place().serial, 7U);
  EXPECT_EQ(reading(noise).unfinished(), 0U);
  EXPECT_EQ(reading(record(7) + "type=").unfinished(), 5U);
}

// A text of records, lines of anything, and lines without an end.
std::string any_text() {
  const auto serial = rc::gen::inRange<std::uint64_t>(1, 3000);
  std::string text;
  const auto lines = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8));
  for (const int kind : lines) {
    if (kind == 0) text += kOff;
    if (kind == 1) text += kStart;
    if (kind == 2) text += *rc::gen::container<std::string>(rc::gen::arbitrary<char>()) + "\n";
    if (kind == 3) text += std::string(kLongestLine + 3, 'y');
    if (kind > 3) text += record(*serial);
  }
  return text;
}

// procedure M-05: however much came, and wherever a look stopped reading.
TEST(AuditTrail, PiecesGiveWhatTheWholeGives) {
  EXPECT_TRUE(rc::check("whatever the pieces", [](bool booted) {
    const std::string text = any_text();
    const TrailPlace before{*rc::gen::inRange<std::uint64_t>(0, 3000), Tristate::unknown};
    const TrailReader whole = reading(text, before, booted);
    TrailReader pieces(before, booted);
    for (std::string_view rest = text; !rest.empty();) {
      const auto size = *rc::gen::inRange<std::size_t>(1, 20'000);
      pieces.read(rest.substr(0, size));
      rest.remove_prefix(std::min(size, rest.size()));
    }
    RC_ASSERT(pieces.place() == whole.place());
    RC_ASSERT(pieces.missing() == whole.missing());
    RC_ASSERT(pieces.unfinished() == whole.unfinished());
  }));
}

TEST(AuditTrail, OrderDoesNotMatter) {
  EXPECT_TRUE(
      rc::check("as many are missing as a set lacks", [](std::vector<std::uint8_t> numbers) {
        std::vector<std::uint64_t> serials;
        for (const std::uint8_t number : numbers) serials.push_back(1001U + number);
        const std::set<std::uint64_t> different(serials.begin(), serials.end());
        const std::uint64_t lacks =
            different.empty() ? 0 : *different.rbegin() - 1000 - different.size();
        RC_ASSERT(reading(records(serials), {1000, Tristate::yes}).missing() == lacks);
      }));
}

}  // namespace
}  // namespace tocsin::agent
