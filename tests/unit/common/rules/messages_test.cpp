#include "common/rules/messages.hpp"

#include <gtest/gtest.h>

namespace tocsin::rules {
namespace {

TEST(Messages, OfStorageProtectAreKnownByTheirForm) {
  for (const char* id : {"ANR2997W", "ANS1017E", "ANE4005E", "ANR9999D"}) {
    EXPECT_TRUE(is_storage_protect(id)) << id;
  }
  for (const char* id : {"", "ANR", "ANX2997W", "ANR29970", "ANR299WW", "ANR2997X", "ANR2997WW"}) {
    EXPECT_FALSE(is_storage_protect(id)) << id;
  }
}

TEST(Messages, HaveATextOrAreTheSites) {
  EXPECT_EQ(text_of_message("sshd.break_in"), "message.sshd.break_in");
  EXPECT_EQ(text_of_message("ANR2578W"), "message.ANR2578W");
  EXPECT_EQ(text_of_message("ANR0001E"), "message.storage_protect");
  EXPECT_EQ(text_of_message("payroll.failed"), "");
  EXPECT_EQ(text_of_message(""), "");
}

}  // namespace
}  // namespace tocsin::rules
