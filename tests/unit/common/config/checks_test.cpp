#include "common/config/checks.hpp"

#include <gtest/gtest.h>

namespace tocsin::config {
namespace {

Result<std::vector<model::CheckDefinition>> read(std::string_view toml) {
  auto document = Document::parse(toml, "x.toml");
  if (!document) return fail(document.error());
  Table root = document->root();
  auto checks = read_checks(root);
  TOCSIN_TRY(document->finish());
  return checks;
}

TEST(Checks, ReadBackAsTheyArePrinted) {
  const auto checks = read(
      "[[checks]]\nkind = 'ping'\ntarget = '10.0.0.1'\npackets = 3\ntcp_port = 22\n"
      "[[checks]]\nkind = 'audit_log'\ntarget = 'journal'\ninterval = '5s'\n"
      "[[checks]]\nkind = 'sockets'\n");
  ASSERT_TRUE(checks) << checks.error().message;
  ASSERT_EQ(checks->size(), 3U);
  EXPECT_EQ((*checks)[0].ping_packets, 3);
  EXPECT_EQ((*checks)[1].deadline, 5s) << "never longer than the interval";
  EXPECT_EQ(read(print_checks(*checks, "checks")).value(), *checks);
}

// Procedure M-07: who listens for a moment only is seen only by looking often.
TEST(Checks, SocketsAreLookedAtMoreOftenThanTheRest) {
  const auto checks = read(
      "[[checks]]\nkind = 'sockets'\n[[checks]]\nkind = 'processes'\n"
      "[[checks]]\nkind = 'service'\ntarget = 'ssh.service'\n");
  ASSERT_TRUE(checks) << checks.error().message;
  EXPECT_EQ((*checks)[0].interval, 2s);
  EXPECT_EQ((*checks)[0].deadline, 2s) << "never longer than the interval";
  EXPECT_EQ((*checks)[1].interval, 30s);
  EXPECT_EQ((*checks)[2].interval, 30s);
  const auto said = read("[[checks]]\nkind = 'sockets'\ninterval = '60s'\n");
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ((*said)[0].interval, 60s);
}

// procedure M-01
TEST(Checks, APingOfSeveralAddressesIsACheckOfEach) {
  const auto checks = read(
      "[[checks]]\nkind = 'ping'\ntarget = '10.0.0.7,10.0.1.0/30'\npackets = 3\n"
      "[[checks]]\nkind = 'ping'\ntarget = '::1'\n");
  ASSERT_TRUE(checks) << checks.error().message;
  ASSERT_EQ(checks->size(), 4U);
  EXPECT_EQ((*checks)[0].check.target, "10.0.0.7");
  EXPECT_EQ((*checks)[1].check.target, "10.0.1.1");
  EXPECT_EQ((*checks)[2].check.target, "10.0.1.2");
  EXPECT_EQ((*checks)[2].ping_packets, 3);
  EXPECT_EQ((*checks)[3].check.target, "::1");
  EXPECT_EQ(read(print_checks(*checks, "checks")).value(), *checks);
  EXPECT_EQ(read("[[checks]]\nkind = 'ping'\ntarget = '10.0.0.9-10.0.0.7'\n").error().message,
            "x.toml:3:10: \"target\" is an address, or a list such as "
            "\"10.20.0.7,10.20.0.10-10.20.0.60,10.20.1.0/28\" of at most 256");
  EXPECT_EQ(
      read("[[checks]]\nkind = 'ping'\ntarget = '10.0.0.7,10.0.0.6-10.0.0.8'\n").error().message,
      "x.toml:2:8: check ping:10.0.0.7 is there twice");
  const auto many = read(
      "[[checks]]\nkind = 'ping'\ntarget = '10.0.0.0/24'\n"
      "[[checks]]\nkind = 'ping'\ntarget = '10.0.1.0/29'\n");
  EXPECT_EQ(many.error().message, "x.toml:6:10: there are more than 256 checks");
}

TEST(Checks, TargetsFitTheirKind) {
  EXPECT_EQ(read("[[checks]]\nkind = 'ping'\n").error().message,
            "x.toml:1:1: a ping check needs a \"target\"");
  EXPECT_EQ(read("[[checks]]\nkind = 'sockets'\ntarget = 'x'\n").error().message,
            "x.toml:3:10: a sockets check has no \"target\"");
  EXPECT_EQ(read("[[checks]]\nkind = 'audit_log'\ntarget = 'audit.log'\n").error().message,
            "x.toml:3:10: the target of an audit_log check is an absolute path or \"journal\"");
  EXPECT_EQ(read("[[checks]]\nkind = 'sockets'\npackets = 5\n").error().message,
            "x.toml:3:1: unknown key \"packets\"");
}

TEST(Checks, ADeadlineFitsTheIntervalAndACheckIsThereOnce) {
  EXPECT_EQ(
      read("[[checks]]\nkind = 'sockets'\ninterval = '5s'\ndeadline = '6s'\n").error().message,
      "x.toml:4:12: \"deadline\" is longer than \"interval\"");
  EXPECT_EQ(read("[[checks]]\nkind = 'sockets'\n[[checks]]\nkind = 'sockets'\n").error().message,
            "x.toml:4:8: check sockets is there twice");
}

}  // namespace
}  // namespace tocsin::config
