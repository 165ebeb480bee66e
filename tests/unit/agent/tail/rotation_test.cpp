#include "agent/tail/rotation.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tocsin::agent {
namespace {

TEST(RotatedName, IsWhatLogrotateAndAuditdGive) {
  for (const std::string sibling :
       {"auth.log.1", "auth.log-20261122", "auth-20261122.log", "auth.log-2026-11-22_03"}) {
    EXPECT_TRUE(rotated_name("auth.log", sibling).older) << sibling;
    EXPECT_FALSE(rotated_name("auth.log", sibling).compressed) << sibling;
    for (const char* ending : {".gz", ".xz", ".zst", ".bz2"}) {
      const std::string packed = sibling + ending;
      EXPECT_TRUE(rotated_name("auth.log", packed).older) << packed;
      EXPECT_TRUE(rotated_name("auth.log", packed).compressed) << packed;
      EXPECT_EQ(rotated_name("auth.log", packed).packing, ending);
    }
  }
  EXPECT_TRUE(rotated_name("messages", "messages-20261122.xz").older);
  EXPECT_EQ(rotated_name("auth.log", "auth.log.12").mark, ".12");
  EXPECT_EQ(rotated_name("auth.log", "auth-20261122.log.gz").mark, "-20261122");
}

TEST(RotatedName, IsNotWhatOnlyLooksAlike) {
  for (const std::string sibling :
       {"auth.log", "auth.log.gz", "auth.log.", "auth.log.old", "auth.log.1.tar", "auth.logs.1.gz",
        "auth.log.1a.gz", "auth.log-", "author.1.gz", "kern.log.1.gz", "auth.1", ".gz", ""}) {
    EXPECT_FALSE(rotated_name("auth.log", sibling).older) << sibling;
  }
}

TEST(RotatedName, PutsPartsIntoTheOrderTheyWereWritten) {
  std::vector<std::string> marks{".1", ".10", "-20261122", ".2", "-20261121", ".9"};
  std::sort(marks.begin(), marks.end(), is_older_mark);
  EXPECT_EQ(marks, (std::vector<std::string>{"-20261121", "-20261122", ".10", ".9", ".2", ".1"}));
}

}  // namespace
}  // namespace tocsin::agent
