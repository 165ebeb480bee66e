#include "agent/login/codes.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <gtest/gtest.h>
#include <security/pam_appl.h>

namespace tocsin::agent {
namespace {

using model::LoginOutcome;
using model::Tristate;

TEST(MayProbe, RefusesWhatIsNobodysTestAccount) {
  EXPECT_TRUE(may_probe({"tocsin-probe", 990, {"tocsin-probe", "users"}}));
  for (const AccountEntry& account :
       {AccountEntry{"root", 0, {"root"}}, AccountEntry{"tocsin-toor", 0, {}},
        AccountEntry{"wang", 1000, {"wang"}}, AccountEntry{"tocsin-probe", 990, {"x", "sudo"}},
        AccountEntry{"tocsin-probe", 990, {"root"}}, AccountEntry{"", 990, {}}}) {
    const Status may = may_probe(account);
    ASSERT_FALSE(may) << account.name;
    EXPECT_EQ(may.error().code, ErrorCode::permission_denied);
  }
}

// A system with so many groups of an account, which has one more at each look.
struct ManyGroups {
  int count = 0;
  int grows = 0;
  int looks = 0;
  int operator()(std::uint32_t* into, int* room) {
    ++looks;
    const int had = std::exchange(count, count + grows);
    for (int i = 0; i < std::min(had, *room); ++i) into[i] = static_cast<std::uint32_t>(i);
    const int given = std::exchange(*room, had);
    return had <= given ? had : -1;
  }
};

TEST(AllGroups, AreAllOfThemHoweverMany) {
  for (const int count : {0, 1, 64, 65, 300, 65'536}) {
    ManyGroups system{count};
    const auto groups = all_groups(std::ref(system));
    ASSERT_TRUE(groups) << count;
    ASSERT_EQ(static_cast<int>(groups->size()), count);
    if (count > 0) {
      EXPECT_EQ(groups->back(), static_cast<std::uint32_t>(count - 1));
    }
  }
}

TEST(AllGroups, AreNothingWhereTheyCannotAllBeHad) {
  ManyGroups more{65'537};
  EXPECT_FALSE(all_groups(std::ref(more)));
  ManyGroups growing{100, 1000};
  EXPECT_FALSE(all_groups(std::ref(growing)));
  EXPECT_LT(growing.looks, 100);
  EXPECT_FALSE(all_groups([](std::uint32_t*, int*) { return -1; }));
  AccountEntry account{"tocsin-probe", 990, {"users"}};
  account.groups_known = false;
  EXPECT_FALSE(may_probe(account));
}

TEST(Shadow, SaysLockedAndExpired) {
  constexpr long kToday = 20'780;
  EXPECT_TRUE(is_locked({"!$y$j9T$x", 1, -1, -1}));
  EXPECT_TRUE(is_locked({"*", 1, -1, -1}));
  EXPECT_FALSE(is_locked({"$y$j9T$x", 1, -1, -1}));
  EXPECT_TRUE(has_expired({"x", 20'000, -1, 1}, kToday));
  EXPECT_TRUE(has_expired({"x", 20'000, -1, kToday}, kToday));
  EXPECT_FALSE(has_expired({"x", 20'000, -1, kToday + 1}, kToday));
  EXPECT_TRUE(has_expired({"x", 0, -1, -1}, kToday));
  EXPECT_TRUE(has_expired({"x", kToday - 91, 90, -1}, kToday));
  EXPECT_FALSE(has_expired({"x", kToday - 90, 90, -1}, kToday));
  EXPECT_FALSE(has_expired({"x", kToday, 99'999, -1}, kToday));
  EXPECT_FALSE(has_expired({"x", -1, -1, -1}, kToday));
}

// procedure M-02: what PAM says, as each stack says it.
TEST(OutcomeOfPam, KeepsTheWaysToFailApart) {
  struct Case {
    PamStep step;
    int code;
    bool locked;
    bool expired;
    LoginOutcome outcome;
  };
  using enum PamStep;
  for (const Case& c : {
           Case{authenticate, PAM_AUTH_ERR, false, false, LoginOutcome::rejected},
           Case{authenticate, PAM_AUTH_ERR, true, false, LoginOutcome::locked},
           Case{authenticate, PAM_AUTH_ERR, true, true, LoginOutcome::locked},
           Case{authenticate, PAM_AUTH_ERR, false, true, LoginOutcome::expired},
           Case{authenticate, PAM_USER_UNKNOWN, false, false, LoginOutcome::rejected},
           Case{authenticate, PAM_MAXTRIES, false, false, LoginOutcome::locked},
           Case{authenticate, PAM_PERM_DENIED, false, false, LoginOutcome::rejected},
           Case{authenticate, PAM_AUTHINFO_UNAVAIL, false, false, LoginOutcome::refused},
           Case{authenticate, PAM_SYSTEM_ERR, false, false, LoginOutcome::session_failed},
           Case{account, PAM_ACCT_EXPIRED, false, true, LoginOutcome::expired},
           Case{account, PAM_ACCT_EXPIRED, true, true, LoginOutcome::locked},
           Case{account, PAM_NEW_AUTHTOK_REQD, false, true, LoginOutcome::expired},
           Case{account, PAM_PERM_DENIED, false, false, LoginOutcome::session_failed},
           Case{account, PAM_AUTH_ERR, false, true, LoginOutcome::expired},
           Case{session, PAM_SESSION_ERR, false, false, LoginOutcome::session_failed},
           Case{session, PAM_PERM_DENIED, false, false, LoginOutcome::session_failed},
           Case{start, PAM_ABORT, false, false, LoginOutcome::session_failed},
       }) {
    EXPECT_EQ(outcome_of_pam(c.step, c.code, c.locked, c.expired), c.outcome)
        << static_cast<int>(c.step) << ' ' << c.code;
  }
}

// As OpenSSH 9.2 with Debian's PAM writes them.
TEST(Refusal, IsReadFromWhatTheServerSays) {
  EXPECT_EQ(refusal_of("Access denied for 'publickey'").outcome, LoginOutcome::rejected);
  EXPECT_EQ(
      refusal_of("Your account has expired; please contact your system administrator.").outcome,
      LoginOutcome::expired);
  EXPECT_EQ(refusal_of("The account is locked due to 3 failed logins.").outcome,
            LoginOutcome::locked);
  const auto maintained = refusal_of(
      "\"System is going down. Unprivileged users are not permitted to log in anymore. "
      "For technical details, see pam_nologin(8).\"");
  EXPECT_EQ(maintained.outcome, LoginOutcome::rejected);
  EXPECT_EQ(maintained.no_logins, Tristate::yes);
}

TEST(CommandAnswer, MustBeComputedFromTheNonce) {
  LoginAnswer answer;
  read_command_answer("00ff", expected_answer("00ff") + "\n", answer);
  EXPECT_EQ(answer.outcome, LoginOutcome::succeeded);
  read_command_answer("00ff", expected_answer("00fe") + "\n", answer);
  EXPECT_EQ(answer.outcome, LoginOutcome::session_failed);
}

// The command is a shell script on hosts that have nothing of ours: `sha256sum` gives the same.
TEST(CommandAnswer, IsWhatAShellComputes) {
  EXPECT_EQ(expected_answer("00ff"),
            "tocsin-probe-answer "
            "c06ddb12934fd8d0b4a8241c2b54c9dc4caf0d7662cc793a81d774bd4d7423ed");
}

TEST(CommandAnswer, OfAnotherKindIsNoSession) {
  LoginAnswer answer;
  read_command_answer("00ff", "This account is currently not available.\n", answer);
  EXPECT_EQ(answer.outcome, LoginOutcome::session_failed);
  EXPECT_EQ(answer.said, "This account is currently not available.");
  read_command_answer("00ff", "", answer);
  EXPECT_EQ(answer.said, "no answer");
  read_command_answer("00ff", "tocsin-probe-answer full\n", answer);
  EXPECT_EQ(answer.outcome, LoginOutcome::session_failed);
  EXPECT_EQ(answer.disk_full, Tristate::yes);
  LoginAnswer expired;
  read_command_answer("00ff", "WARNING: Your password has expired.\n", expired);
  EXPECT_EQ(expired.outcome, LoginOutcome::expired);
}

}  // namespace
}  // namespace tocsin::agent
