#include "agent/os/systemd.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent::os {
namespace {

TEST(UnitName, IsWhatSystemdAccepts) {
  for (const char* name : {"ssh.service", "user@1000.service", "dev-sda1.swap", "a\\x2db.mount"}) {
    EXPECT_TRUE(valid_unit_name(name)) << name;
  }
  const std::string long_name = std::string(250, 'a') + ".service";
  for (const std::string& name :
       {std::string(), std::string("ssh"), std::string("a b.service"), std::string("../x.service"),
        std::string("a\n.service"), long_name}) {
    EXPECT_FALSE(valid_unit_name(name)) << name;
  }
}

}  // namespace
}  // namespace tocsin::agent::os
