#include "agent/checks/own_logins.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using testing::IsEmpty;

constexpr Instant kNow{1'700'000'000'000'000'000};

TEST(OwnProbe, NeedsAccountAndAddress) {
  WarningsSettings settings;
  settings.probe_accounts = {"tocsin-probe"};
  settings.probe_addresses = {"10.0.0.5"};
  EXPECT_TRUE(is_own_probe("Connection closed by authenticating user tocsin-probe 10.0.0.5 port 9",
                           settings));
  EXPECT_FALSE(is_own_probe("Failed password for tocsin-probe from 10.0.0.55 port 9", settings));
  EXPECT_FALSE(is_own_probe("Failed password for tocsin-probe2 from 10.0.0.5 port 9", settings));
  EXPECT_FALSE(is_own_probe("Failed password for root from 10.0.0.5 port 9", settings));
  EXPECT_FALSE(is_own_probe("Failed password for tocsin-probe from 10.0.0.5", {}));
}

// As sshd and PAM tell the kernel of it, whose records auditd writes.
TEST(OwnProbe, IsKnownInTheKernelsTrail) {
  WarningsSettings settings;
  settings.probe_accounts = {"tocsin-probe"};
  settings.probe_addresses = {"10.0.0.5"};
  const std::string begins = "type=USER_LOGIN msg=audit(1364475355.259:24271): pid=3280 uid=0 ";
  EXPECT_TRUE(is_own_probe(begins + "msg='op=login acct=\"tocsin-probe\" exe=\"/usr/sbin/sshd\" "
                                    "hostname=? addr=10.0.0.5 terminal=sshd res=failed'",
                           settings));
  EXPECT_TRUE(is_own_probe(begins + "msg='op=PAM:authentication acct=\"tocsin-probe\" "
                                    "hostname=10.0.0.5 addr=10.0.0.5 terminal=ssh res=failed'",
                           settings));
  EXPECT_FALSE(is_own_probe(begins + "msg='op=login acct=\"tocsin-probe\" hostname=10.0.0.5 "
                                     "addr=10.9.9.9 terminal=sshd res=failed'",
                            settings));
  EXPECT_FALSE(
      is_own_probe(begins + "msg='op=login acct=\"root\" addr=10.0.0.5 res=failed'", settings));
}

// Who guesses names may call himself what the test's lines hold.
TEST(OwnProbe, IsNobodyWhoOnlySaysSo) {
  WarningsSettings settings;
  settings.probe_accounts = {"tocsin-probe"};
  settings.probe_addresses = {"10.0.0.5", "fe80::5%eth0"};
  for (const char* theirs :
       {"Invalid user tocsin-probe from 10.0.0.5 from 10.9.9.9 port 4022",
        "Failed password for invalid user tocsin-probe 10.0.0.5 port 4022 ssh2 from 10.9.9.9 port "
        "1",
        "Connection closed by invalid user tocsin-probe 10.0.0.5 2001:db8::9 port 1 [preauth]",
        "Failed password for tocsin-probe 10.0.0.5 from fe80::6%eth0 port 1 ssh2"}) {
    EXPECT_FALSE(is_own_probe(theirs, settings)) << theirs;
  }
  for (const char* ours :
       {"Accepted publickey for tocsin-probe from fe80::5%eth0 port 1 ssh2: ED25519 SHA256:v/Wa:ab",
        "Failed publickey for tocsin-probe from 10.0.0.5 port 56770 ssh2: ED25519 SHA256:OZtB/c1.2",
        "pam_access(sshd:account): access denied for user `tocsin-probe' from `10.0.0.5'"}) {
    EXPECT_TRUE(is_own_probe(ours, settings)) << ours;
  }
}

// As pam_unix writes them, on a real host.
TEST(OwnProbe, OfThisHostIsKnownByItsPamServiceAndAccount) {
  WarningsSettings settings;
  settings.local_probe = "tocsin-probe";
  const std::string ours =
      "pam_unix(tocsin-probe:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= "
      "rhost=  user=tocsin-probe";
  EXPECT_TRUE(is_own_probe(ours, settings));
  EXPECT_TRUE(
      is_own_probe("pam_unix(tocsin-probe:session): session opened for user "
                   "tocsin-probe(uid=999) by (uid=0)",
                   settings));
  EXPECT_TRUE(is_own_probe(
      "pam_unix(tocsin-probe:account): account tocsin-probe has expired (account expired)",
      settings));
  EXPECT_FALSE(is_own_probe(
      "pam_unix(tocsin-probe:auth): authentication failure; logname= uid=0 user=root", settings));
  EXPECT_FALSE(is_own_probe(
      "pam_unix(sshd:auth): authentication failure; rhost=10.9.9.9  user=tocsin-probe", settings));
  EXPECT_FALSE(is_own_probe("x pam_unix(tocsin-probe:auth): user=tocsin-probe", settings));
  EXPECT_FALSE(is_own_probe(ours, {}));
}

// ---- Lines that name neither, as OpenSSH 9.2 writes them with LogLevel VERBOSE

struct Line {
  std::uint32_t pid;
  std::string message;
  friend bool operator==(const Line&, const Line&) = default;
};
using Lines = std::vector<Line>;

// As the login test leaves them: it succeeds, is turned down, and goes at another host key.
Lines our_login(std::uint32_t pid, std::uint32_t child) {
  return {
      {pid, "Connection from 10.77.0.1 port 56756 on 10.77.0.12 port 22 rdomain \"\""},
      {pid,
       "Accepted key ED25519 SHA256:v/WaZRz6sN026tU0ZFcFmgnu4EGcr+/gVzlLQY5myOo found at "
       "/var/lib/tocsin-probe/.ssh/authorized_keys:1"},
      {pid,
       "Accepted publickey for tocsin-probe from 10.77.0.1 port 56756 ssh2: ED25519 "
       "SHA256:v/WaZRz6sN026tU0ZFcFmgnu4EGcr+/gVzlLQY5myOo"},
      {pid, "pam_unix(sshd:session): session opened for user tocsin-probe(uid=999) by (uid=0)"},
      {pid, "User child is on pid " + std::to_string(child)},
      {child,
       "Starting session: forced-command (key-option) "
       "'/usr/lib/tocsin/tocsin-probe-answer' for tocsin-probe from 10.77.0.1 port 56756 "
       "id 0"},
      {child, "Close session: user tocsin-probe from 10.77.0.1 port 56756 id 0"},
      {child, "Connection closed by 10.77.0.1 port 56756"},
      {child, "Transferred: sent 2640, received 1276 bytes"},
      {child, "Closing connection to 10.77.0.1 port 56756"},
      {pid, "pam_unix(sshd:session): session closed for user tocsin-probe"},
  };
}
Lines our_refusal(std::uint32_t pid) {
  return {
      {pid, "Connection from 10.77.0.1 port 56770 on 10.77.0.12 port 22 rdomain \"\""},
      {pid,
       "Failed publickey for tocsin-probe from 10.77.0.1 port 56770 ssh2: ED25519 "
       "SHA256:OZtBBrvc1LYsBk1+6zlC5NWTsVYVBHaHNEwhgjTsZcc"},
      {pid, "Connection closed by authenticating user tocsin-probe 10.77.0.1 port 56770 [preauth]"},
  };
}
// Somebody on the host that the test comes from logs in to an account of his own.
Lines their_login(std::uint32_t pid, std::uint32_t child) {
  Lines lines = our_login(pid, child);
  for (Line& line : lines) {
    for (std::size_t at = 0; (at = line.message.find("tocsin-probe", at)) != line.message.npos;) {
      line.message.replace(at, 12, "visitor");
    }
  }
  return lines;
}
Lines stranger(std::uint32_t pid) {
  return {
      {pid, "Connection from 10.9.9.9 port 40000 on 10.77.0.12 port 22 rdomain \"\""},
      {pid, "Failed publickey for tocsin-probe from 10.9.9.9 port 40000 ssh2: ED25519 SHA256:x"},
      {pid, "pam_unix(sshd:auth): authentication failure; rhost=10.9.9.9  user=tocsin-probe"},
      {pid, "Connection closed by authenticating user tocsin-probe 10.9.9.9 port 40000 [preauth]"},
  };
}

WarningsSettings settings() {
  WarningsSettings settings;
  settings.probe_accounts = {"tocsin-probe"};
  settings.probe_addresses = {"10.77.0.1"};
  return settings;
}

// What is reported of these lines; a look ends before each of `looks`.
Lines reported(const Lines& lines, const std::vector<std::size_t>& looks = {}) {
  const WarningsSettings ours = settings();
  Lines others;
  std::optional<OwnLogins> logins(std::in_place, ours, OwnLoginsState{});
  const auto take_others = [&] {
    for (const HeldRecord& held : logins->take_others()) others.push_back({held.pid, held.message});
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Instant at = kNow + std::chrono::milliseconds(i);
    if (std::find(looks.begin(), looks.end(), i) != looks.end()) {
      logins->finish(at);
      take_others();
      OwnLoginsState kept;
      std::string text = to_text(logins->state());
      for (std::size_t end = 0; (end = text.find('\n')) != text.npos; text.erase(0, end + 1)) {
        EXPECT_TRUE(parse_line(text.substr(0, end), kept)) << text;
      }
      EXPECT_EQ(kept, logins->state());
      logins.emplace(ours, kept);
    }
    const auto whose = logins->take({"sshd", lines[i].message, lines[i].pid}, at);
    take_others();
    if (whose == OwnLogins::Whose::others) others.push_back(lines[i]);
  }
  logins->finish(kNow + 1h);
  take_others();
  return others;
}

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return std::pair(a.pid, a.message) < std::pair(b.pid, b.message);
  });
  return lines;
}

TEST(OwnLogins, LeaveNothingToReport) {
  EXPECT_THAT(reported(our_login(104, 117)), IsEmpty());
  EXPECT_THAT(reported(our_refusal(126)), IsEmpty());
}

TEST(OwnLogins, AreNobodyElsesFromTheSameHost) {
  const Lines theirs = their_login(104, 117);
  EXPECT_EQ(sorted(reported(theirs)), sorted(theirs));
  EXPECT_EQ(reported(stranger(126)), stranger(126));
}

// It goes away before it has said whose it is: the host showed another key, or somebody looked who
// answers there.
TEST(OwnLogins, AreNotWhatNamesNoAccount) {
  const Lines lines{
      {129, "Connection from 10.77.0.1 port 56776 on 10.77.0.12 port 22 rdomain \"\""},
      {129, "Connection closed by 10.77.0.1 port 56776 [preauth]"},
  };
  EXPECT_EQ(reported(lines), lines);
}

TEST(OwnLogins, HideNothingElseThatHappensInThem) {
  Lines lines = our_login(104, 117);
  const Line fatal{104, "fatal: mm_answer_sign: no such key"};
  const Line other_peer{117, "Closing connection to 10.77.0.1 port 567560"};
  const Line other_account{104, "pam_unix(sshd:session): session opened for user root(uid=0)"};
  lines.insert(lines.begin() + 8, {fatal, other_peer, other_account});
  EXPECT_EQ(reported(lines), (Lines{fatal, other_peer, other_account}));
}

// A process of somebody else's that got a number which was ours.
TEST(OwnLogins, EndWithTheirProcess) {
  const Line failure{104, "pam_unix(sshd:session): session opened for user tocsin-probe(uid=999)"};
  const Line key{117, "Accepted key ED25519 SHA256:x found at /root/.ssh/authorized_keys:1"};
  Lines lines = our_login(104, 117);
  lines.push_back(failure);
  lines.push_back(key);
  EXPECT_EQ(reported(lines), (Lines{failure, key}));
  // Also where its end was never written.
  const WarningsSettings ours = settings();
  OwnLogins logins(ours, {});
  for (const Line& line : our_login(104, 117)) {
    if (line.pid == 104 && line.message.find("closed for") == line.message.npos) {
      logins.take({"sshd", line.message, line.pid}, kNow);
    }
  }
  EXPECT_EQ(logins.take({"sshd", failure.message, 104}, kNow + 1s), OwnLogins::Whose::ours);
  EXPECT_EQ(logins.take({"sshd", failure.message, 104}, kNow + kConnectionIsFollowed),
            OwnLogins::Whose::others);
}

// The check looks at a log for the first time while one of ours goes on.
TEST(OwnLogins, AreKnownThatBeganBeforeTheFirstLook) {
  const WarningsSettings ours = settings();
  const Lines lines = our_login(104, 117);
  for (std::size_t seen = 0; seen <= lines.size(); ++seen) {
    OwnLogins logins(ours, {});
    for (std::size_t i = 0; i < seen; ++i) {
      logins.remember({"sshd", lines[i].message, lines[i].pid}, kNow);
      EXPECT_THAT(logins.state().held, IsEmpty());
      EXPECT_EQ(logins.take_ours(), 0U);
    }
    for (std::size_t i = seen; i < lines.size(); ++i) {
      EXPECT_NE(logins.take({"sshd", lines[i].message, lines[i].pid}, kNow + 1s),
                OwnLogins::Whose::others)
          << seen << ": " << lines[i].message;
    }
    logins.finish(kNow + 1h);
    EXPECT_THAT(logins.take_others(), IsEmpty()) << seen;
  }
  OwnLogins logins(ours, {});
  for (const Line& line : stranger(126)) logins.remember({"sshd", line.message, 126}, kNow);
  EXPECT_THAT(logins.take_others(), IsEmpty()) << "what is past is not reported";
}

// The clock was set back while it went on, and its end is older than its beginning.
TEST(OwnLogins, GoOnWhereTheClockWasSetBack) {
  const WarningsSettings ours = settings();
  OwnLogins logins(ours, {});
  Instant at = kNow;
  for (const Line& line : our_login(104, 117)) {
    EXPECT_NE(logins.take({"sshd", line.message, line.pid}, at), OwnLogins::Whose::others)
        << line.message;
    at = at + -2s;
    logins.finish(at);
  }
  EXPECT_THAT(logins.take_others(), IsEmpty());
}

// Many connections at once from our address, none of which says whose it is.
TEST(OwnLogins, HoldNoMoreThanTheirLimitsAndReportTheRest) {
  Lines lines;
  for (std::uint32_t pid = 1; pid <= 500; ++pid) {
    lines.push_back({pid, "Connection from 10.77.0.1 port 5 on 10.77.0.12 port 22"});
    for (int i = 0; i < 20; ++i) {
      lines.push_back({pid, "Accepted key ED25519 SHA256:x found at " + std::to_string(i)});
    }
  }
  const WarningsSettings ours = settings();
  OwnLogins logins(ours, {});
  std::size_t others = 0;
  for (const Line& line : lines) {
    if (logins.take({"sshd", line.message, line.pid}, kNow) == OwnLogins::Whose::others) ++others;
    others += logins.take_others().size();
    ASSERT_LE(logins.state().held.size(), kMostHeld);
    ASSERT_LE(logins.state().connections.size(), kMostConnections);
  }
  logins.finish(kNow + 1h);
  EXPECT_EQ(others + logins.take_others().size(), lines.size());
}

TEST(OwnLogins, AreOnlySshdsAndOnlyWhereTheProcessIsKnown) {
  const WarningsSettings ours = settings();
  OwnLogins logins(ours, {});
  const std::string from = "Connection from 10.77.0.1 port 5 on 10.77.0.12 port 22";
  EXPECT_EQ(logins.take({"sshd", from, 0}, kNow), OwnLogins::Whose::others);
  EXPECT_EQ(logins.take({"nginx", from, 4}, kNow), OwnLogins::Whose::others);
  EXPECT_EQ(logins.take({"sshd-session", from, 4}, kNow), OwnLogins::Whose::held);
}

// However the lines of all mix and wherever a look ends: reported is what is not ours, each once.
RC_GTEST_PROP(OwnLoginsProperty, EverybodyElsesLinesAreReportedOnce, ()) {
  std::vector<Lines> all{our_login(104, 117), their_login(204, 217), our_refusal(126),
                         stranger(131), our_login(304, 317)};
  Lines mixed;
  while (!all.empty()) {
    const auto next = *rc::gen::inRange<std::size_t>(0, all.size());
    mixed.push_back(all[next].front());
    all[next].erase(all[next].begin());
    if (all[next].empty()) all.erase(all.begin() + static_cast<std::ptrdiff_t>(next));
  }
  const auto looks =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, mixed.size()));
  Lines theirs = their_login(204, 217);
  for (const Line& line : stranger(131)) theirs.push_back(line);
  RC_ASSERT(sorted(reported(mixed, looks)) == sorted(theirs));
}

TEST(OwnLogins, OfBeforeAnyClockAreNotWhatWasKept) {
  OwnLoginsState state;
  EXPECT_TRUE(parse_line("+connection 7 1 0 10.0.0.5 port 4022", state));
  EXPECT_FALSE(parse_line("+connection 7 -1 0 10.0.0.5 port 4022", state));
  EXPECT_TRUE(parse_line("+held 7 1 sshd 41", state));
  EXPECT_FALSE(parse_line("+held 7 -9223372036854775808 sshd 41", state));
}

RC_GTEST_PROP(OwnLoginsProperty, AnyLineIsTakenOrRefused, ()) {
  OwnLoginsState state;
  const auto text = *rc::gen::container<std::string>(rc::gen::element('1', '0', ' ', 'a', '-'));
  if (parse_line("+held " + text, state) || parse_line("+connection " + text, state)) {
    OwnLoginsState again;
    std::string lines = to_text(state);
    for (std::size_t end = 0; (end = lines.find('\n')) != lines.npos; lines.erase(0, end + 1)) {
      RC_ASSERT(parse_line(lines.substr(0, end), again));
    }
    RC_ASSERT(again == state);
  }
}

}  // namespace
}  // namespace tocsin::agent
