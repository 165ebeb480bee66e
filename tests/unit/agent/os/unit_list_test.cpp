// Which name a unit is listed under (procedure M-09).
#include "agent/os/unit_list.hpp"

#include <gtest/gtest.h>

namespace tocsin::agent::os {
namespace {

// The names are those that systemd 252 gave to connections over IPv4, IPv6 and a local socket.
TEST(UnitList, AConnectionsServiceIsItsTemplate) {
  const std::set<std::string> sockets{"echo.socket", "login-probe.socket"};
  for (const char* name :
       {"echo@0-127.0.0.1:7-127.0.0.1:40112.service", "echo@12-fe80::1:7-fe80::2:40112.service",
        "echo@3-4711-0.service", "echo@3-unknown.service"}) {
    EXPECT_EQ(listed_as(name, sockets), "echo@.service") << name;
  }
  EXPECT_EQ(listed_as("login-probe@9-1-0.service", sockets), "login-probe@.service");
}

TEST(UnitList, WhateverAPersonNamedKeepsItsName) {
  const std::set<std::string> sockets{"echo.socket", "getty@tty1.socket"};
  for (const char* name : {"echo.service", "echo@tty1.service", "echo@7.service", "echo@-7.service",
                           "echo@.service", "getty@1-1-0.service", "user@1000.service",
                           "echo@3-4711-0.timer", "@3-4711-0.service", ""}) {
    EXPECT_EQ(listed_as(name, sockets), name);
  }
}

}  // namespace
}  // namespace tocsin::agent::os
