#include "agent/checks/login_records.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

constexpr std::uint64_t kAtOnce = kNewestLogins + kLoginsInTurn;

TEST(LoginRecords, FindARecordOfZeros) {
  const std::string record(kLoginBytes, 'l');
  const std::string zeros(kLoginBytes, '\0');
  EXPECT_TRUE(holds_logins("wtmp"));
  EXPECT_FALSE(holds_logins("lastlog"));
  EXPECT_EQ(find_zeroed_login(""), std::nullopt);
  EXPECT_EQ(find_zeroed_login(record + record), std::nullopt);
  EXPECT_EQ(find_zeroed_login(record + zeros + record + zeros), kLoginBytes);
  EXPECT_EQ(find_zeroed_login(record + std::string(10, '\0')), std::nullopt);
}

bool goes_through(const LoginPlan& plan, std::uint64_t record) {
  return std::any_of(plan.ranges.begin(), plan.ranges.end(), [&](const LoginRange& range) {
    return range.from <= record && record + kLoginBytes <= range.to;
  });
}

TEST(LoginRecords, OfAShortFileAreAllLookedAtEveryTime) {
  for (const std::uint64_t size : {std::uint64_t{0}, kLoginBytes, kNewestLogins + 7, kAtOnce}) {
    LoginPlace place;
    for (int look = 0; look < 3; ++look) {
      const LoginPlan plan = plan_logins(size, place);
      EXPECT_EQ(plan.unread, 0U);
      for (std::uint64_t at = 0; at + kLoginBytes <= size; at += kLoginBytes) {
        ASSERT_TRUE(goes_through(plan, at)) << size << " " << look << " " << at;
      }
      place = plan.next;
    }
  }
}

TEST(LoginRecords, OneThatWasFoundWipedIsLookedAtEveryTime) {
  const LoginPlan plan = plan_logins(20 * kAtOnce, {5 * kAtOnce, 0, kLoginsInTurn + kLoginBytes});
  EXPECT_TRUE(goes_through(plan, kLoginsInTurn + kLoginBytes));
  EXPECT_FALSE(goes_through(plan, kLoginsInTurn + 2 * kLoginBytes));
  EXPECT_FALSE(goes_through(plan_logins(kLoginBytes, {0, 0, kLoginBytes}), kLoginBytes));
}

// procedure M-05: however long the file, and whatever comes between two looks.
TEST(LoginRecords, EveryOneIsLookedAtWithinARound) {
  EXPECT_TRUE(rc::check("and what none has looked at is said", [] {
    std::uint64_t size = *rc::gen::inRange<std::uint64_t>(0, 8 * kAtOnce);
    const std::uint64_t record =
        *rc::gen::inRange<std::uint64_t>(0, 8 * kAtOnce / kLoginBytes) * kLoginBytes;
    RC_PRE(record + kLoginBytes <= size);
    LoginPlace place;
    bool seen = false;
    std::uint64_t unread = size;
    for (int look = 0; look < 30; ++look) {
      const LoginPlan plan = plan_logins(size, place);
      std::uint64_t bytes = 0;
      for (const LoginRange& range : plan.ranges) bytes += range.to - range.from;
      RC_ASSERT(bytes <= kAtOnce);
      seen = seen || goes_through(plan, record);
      RC_ASSERT(seen || plan.unread > 0);
      unread = plan.unread;
      place = plan.next;
      RC_ASSERT(parse_login_place(to_text(place)) == place);
      size += *rc::gen::inRange<std::uint64_t>(0, kLoginsInTurn / 2);
    }
    RC_ASSERT(seen && unread == 0);
    // And again: somebody may wipe it later.
    const std::uint64_t rounds = size / kLoginsInTurn + 2;
    bool again = false;
    for (std::uint64_t look = 0; look < rounds && !again; ++look) {
      const LoginPlan plan = plan_logins(size, place);
      again = goes_through(plan, record);
      place = plan.next;
    }
    RC_ASSERT(again);
  }));
}

TEST(LoginRecords, APlaceThatIsNoneIsRefused) {
  for (const char* other :
       {"", "384", "384;0", "384;0;1", "383;0;", "384;1;", "384;0;384;", "a;0;"}) {
    EXPECT_EQ(parse_login_place(other), std::nullopt) << other;
  }
  EXPECT_EQ(parse_login_place("768;384;"), (LoginPlace{768, 384, {}}));
  EXPECT_TRUE(rc::check("any text", [](const std::string& noise) {
    const auto place = parse_login_place(noise);
    if (place) RC_ASSERT(parse_login_place(to_text(*place)) == place);
  }));
}

}  // namespace
}  // namespace tocsin::agent
