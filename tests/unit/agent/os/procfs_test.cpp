#include "agent/os/procfs.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "agent/os/number.hpp"

namespace tocsin::agent::os {
namespace {

constexpr char kSshd[] =
    "812 (sshd) S 1 812 812 0 -1 4194560 1541 0 0 0 5 8 0 0 20 0 1 0 1234567 15802368 1800 "
    "18446744073709551615 1 1 0 0 0 0 0 4096 81925 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

TEST(ParseStat, ReadsWhatNamesAProcess) {
  const auto stat = parse_stat(kSshd);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->pid, 812U);
  EXPECT_EQ(stat->name, "sshd");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 1U);
  EXPECT_EQ(stat->start_ticks, 1234567U);
  EXPECT_FALSE(stat->kernel_thread());
}

TEST(ParseStat, IsNotMisledByANameThatLooksLikeFields) {
  std::string text = kSshd;
  text.replace(4, 6, "(x) R 99 (y)");
  const auto stat = parse_stat(text);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->name, "x) R 99 (y");
  EXPECT_EQ(stat->parent, 1U);
}

TEST(ParseStat, KnowsKernelThreads) {
  const auto stat = parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0");
  ASSERT_TRUE(stat.has_value());
  EXPECT_TRUE(stat->kernel_thread());
}

TEST(ParseStat, RefusesWhatIsCutShort) {
  const std::string whole = kSshd;
  for (std::size_t n = 0; n <= whole.find(" 1234567"); ++n) {
    EXPECT_FALSE(parse_stat(whole.substr(0, n)).has_value()) << n;
  }
}

TEST(ParseStatus, TakesTheEffectiveUser) {
  EXPECT_EQ(parse_status_uid("Name:\tx\nUid:\t1000\t33\t0\t0\nGid:\t1\t2\t3\t4\n"), 33U);
  EXPECT_EQ(parse_status_uid("Name:\tUid:\n"), std::nullopt);
  EXPECT_EQ(parse_status_uid("Uid:\t1\t-1\n"), std::nullopt);
}

TEST(ParseCgroup, FindsTheSystemUnit) {
  const std::pair<const char*, const char*> rows[] = {
      {"0::/system.slice/ssh.service\n", "ssh.service"},
      {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n",
       "user@1000.service"},
      {"0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"},
      {"12:pids:/other.service\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service"},
      {"0::/\n", ""},
      {"12:memory:/system.slice/ssh.service\n", ""},
      {"0::/system.slice/.service\n", ""},
      {"", ""},
  };
  for (const auto& [text, unit] : rows) EXPECT_EQ(parse_cgroup_unit(text), unit) << text;
}

// procedure M-09: who mounts over a process's folder hides it.
TEST(CoveredProcesses, AreThoseThatSomethingIsMountedOver) {
  EXPECT_EQ(parse_covered("22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
                          "36 22 0:45 / /proc/4711 rw - tmpfs none rw\n"
                          "37 22 0:21 /sys /proc/sys ro - proc proc rw\n"
                          "38 22 8:1 /x /proc/12/exe rw - ext4 /dev/sda1 rw\n"
                          "39 22 0:45 / /proc/13x rw - tmpfs none rw\n"
                          "40 22 0:45 / /srv/proc/14 rw - tmpfs none rw\n"
                          "41 22 0:45 / /proc/15"),
            (std::vector<std::uint32_t>{4711, 12, 15}));
  EXPECT_TRUE(parse_covered("").empty());
  EXPECT_TRUE(parse_covered("/proc/7\n\n  \n1 2 3 4 /proc/99999999999 rw").empty());
}

TEST(Environment, SeesAVariableThatIsSet) {
  using namespace std::string_literals;
  EXPECT_TRUE(environment_has("A=1\0LD_PRELOAD=/tmp/x.so\0"s, "LD_PRELOAD"));
  EXPECT_FALSE(environment_has("A=1\0LD_PRELOAD=\0"s, "LD_PRELOAD"));
  EXPECT_FALSE(environment_has("XLD_PRELOAD=/x\0LD_PRELOADER=/x\0"s, "LD_PRELOAD"));
}

TEST(SocketLink, GivesTheInode) {
  EXPECT_EQ(parse_socket_link("socket:[4711]"), 4711U);
  for (const char* link : {"socket:[]", "socket:[12", "pipe:[12]", "socket:[-1]", "/socket:[1]",
                           "socket:[99999999999999999999]"}) {
    EXPECT_EQ(parse_socket_link(link), std::nullopt) << link;
  }
}

TEST(PortRange, MustBeARange) {
  EXPECT_EQ(parse_port_range("32768\t60999\n"),
            std::pair(std::uint16_t{32768}, std::uint16_t{60999}));
  EXPECT_EQ(parse_port_range("60999 32768"), std::nullopt);
  EXPECT_EQ(parse_port_range("1 70000"), std::nullopt);
  EXPECT_EQ(parse_port_range(""), std::nullopt);
}

TEST(Passwd, LeavesOutWhatIsNotALine) {
  const auto users = parse_passwd("root:x:0:0:root:/root:/bin/sh\n#x\n:x:1:\nbad:x:-1:\nq:x:7:", 9);
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[0], std::pair(0U, std::string("root")));
  EXPECT_EQ(users[1], std::pair(7U, std::string("q")));
  EXPECT_EQ(parse_passwd("a:x:1:\nb:x:2:\n", 1).size(), 1U);
}

// Bytes that are likely to reach the parsers' corners.
rc::Gen<std::string> hostile() {
  return rc::gen::container<std::string>(
      rc::gen::weightedOneOf<char>({{3, rc::gen::elementOf(std::string("():=/ \t\n0123456789[]"))},
                                    {2, rc::gen::elementOf(std::string("socketUid.service"))},
                                    {1, rc::gen::arbitrary<char>()}}));
}

TEST(Procfs, ParsersGiveNoMoreThanTheyWereGiven) {
  EXPECT_TRUE(rc::check("bounded for any bytes", [] {
    const std::string text = *hostile();
    if (const auto stat = parse_stat(text)) RC_ASSERT(stat->name.size() < text.size());
    RC_ASSERT(parse_cgroup_unit(text).size() <= text.size());
    RC_ASSERT(parse_passwd(text, 3).size() <= 3U);
    parse_status_uid(text);
    parse_socket_link(text);
    parse_port_range(text);
    environment_has(text, "LD_PRELOAD");
  }));
}

TEST(ReadNumber, TakesAWholeTextOrNothing) {
  std::uint16_t port = 0;
  EXPECT_TRUE(read_number("65535", port));
  EXPECT_EQ(port, 65535);
  for (const char* wrong : {"", "65536", "1 ", " 1", "-1", "0x1"}) {
    EXPECT_FALSE(read_number(wrong, port)) << wrong;
  }
  std::uint64_t mask = 0;
  EXPECT_TRUE(read_number("00000000000400ff", mask, 16));
  EXPECT_EQ(mask, 0x400ffU);
}

TEST(BootId, IsEmptyWhereTheKernelDoesNotSay) {
  EXPECT_EQ(boot_id("/nowhere"), "");
  EXPECT_EQ(boot_id("/").size(), 36U);
}

}  // namespace
}  // namespace tocsin::agent::os
