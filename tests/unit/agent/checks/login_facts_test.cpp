#include "agent/checks/login_facts.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

using model::LoginMethod;
using model::LoginOutcome;

constexpr Instant kNow{1'795'300'000'000'000'000};
constexpr char kBoot[] = "5c9f7a1e-0000-4000-8000-000000000000";
constexpr char kNextBoot[] = "77777777-0000-4000-8000-000000000000";

LoginAnswer said(LoginOutcome outcome) {
  LoginAnswer answer;
  answer.outcome = outcome;
  return answer;
}

LoginPast past_of(std::initializer_list<LoginOutcome> outcomes) {
  LoginPast past;
  past.settings = "abc";
  for (const LoginOutcome outcome : outcomes) past = after(past, said(outcome), kNow, kBoot);
  return past;
}

LoginSettings settings() {
  LoginSettings settings;
  settings.least_interval = 1min;
  settings.hold = 15min;
  return settings;
}

TEST(LoginHold, LeavesTriesAWhileApart) {
  const LoginPast past = past_of({LoginOutcome::succeeded});
  EXPECT_TRUE(must_wait(past, settings(), kNow + 59s, {}));
  EXPECT_FALSE(must_wait(past, settings(), kNow + 60s, {}));
  EXPECT_FALSE(must_wait(LoginPast{}, settings(), kNow, {}));
}

// Never three in a quarter of an hour, which is where pam_faillock locks an account.
TEST(LoginHold, DoublesWhereALoginIsTurnedDown) {
  const auto r = LoginOutcome::rejected;
  EXPECT_FALSE(must_wait(past_of({r}), settings(), kNow + 15min, {}));
  EXPECT_TRUE(must_wait(past_of({r, r}), settings(), kNow + 29min, {}));
  EXPECT_FALSE(must_wait(past_of({r, r}), settings(), kNow + 30min, {}));
  EXPECT_EQ(hold_of(settings(), 3), 1h);
  EXPECT_EQ(hold_of(settings(), 40), 24h);
}

// procedure M-06: after a restart it is tried, a minute after the last try.
TEST(LoginHold, EndsWithARestart) {
  const auto r = LoginOutcome::locked;
  const LoginPast past = past_of({r, r, r});
  EXPECT_TRUE(must_wait(past, settings(), kNow + 10min, {}));
  EXPECT_FALSE(must_wait(past, settings(), kNow + 10min, {true, false}));
  EXPECT_TRUE(must_wait(past, settings(), kNow + 59s, {true, false}));
}

TEST(LoginHold, EndsWhereSomebodyAsksButNeverRiskingTheAccount) {
  const auto r = LoginOutcome::rejected;
  const LoginOccasion asked{false, true};
  EXPECT_TRUE(must_wait(past_of({r}), settings(), kNow + 59s, asked));
  EXPECT_FALSE(must_wait(past_of({r}), settings(), kNow + 60s, asked));
  // What was asked for was turned down too: the next one waits for the hold, but not for its
  // double.
  EXPECT_TRUE(must_wait(past_of({r, r}), settings(), kNow + 14min, asked));
  EXPECT_FALSE(must_wait(past_of({r, r}), settings(), kNow + 15min, asked));
  EXPECT_FALSE(must_wait(past_of({r, r, r, r}), settings(), kNow + 15min, asked));
  EXPECT_TRUE(must_wait(past_of({LoginOutcome::locked}), settings(), kNow + 14min, asked));
}

// Whoever asks, and however often: of three tries in a row the account hears at most two in one
// hold.
RC_GTEST_PROP(LoginHoldProperty, KeepsRequestsBelowALock, ()) {
  LoginPast past = past_of({LoginOutcome::rejected});
  std::vector<Instant> tries{past.tried};
  Instant now = past.tried;
  for (int step = *rc::gen::inRange(1, 200); step > 0; --step) {
    now = now + std::chrono::seconds(*rc::gen::inRange(1, 1200));
    if (must_wait(past, settings(), now, {false, *rc::gen::arbitrary<bool>()})) continue;
    past = after(past, past.answer, now, "boot");
    tries.push_back(now);
  }
  for (std::size_t i = 2; i < tries.size(); ++i) {
    RC_ASSERT(tries[i] - tries[i - 2] >= settings().hold);
  }
}

TEST(LoginHold, SaysWhenTheLastTryWas) {
  const LoginTry here{LoginMethod::local, "", "tocsin-probe"};
  EXPECT_EQ(login_facts(here, past_of({LoginOutcome::locked}), kBoot, {}).tried_at, kNow);
  // An answer that changes with each try would be news each time.
  EXPECT_EQ(login_facts(here, past_of({LoginOutcome::succeeded}), kBoot, {}).tried_at, Instant{});
}

TEST(LoginHold, EndsWhereALoginWorks) {
  const auto r = LoginOutcome::locked;
  const LoginPast past = past_of({r, r, r, LoginOutcome::succeeded});
  EXPECT_EQ(past.turned_down, 0U);
  EXPECT_FALSE(must_wait(past, settings(), kNow + 1min, {}));
}

// A server that is down heard no credential.
TEST(LoginHold, DoesNotCountWhatNeverReachedTheAccount) {
  for (const LoginOutcome outcome : {LoginOutcome::refused, LoginOutcome::timed_out,
                                     LoginOutcome::banner_only, LoginOutcome::unreachable}) {
    EXPECT_EQ(past_of({outcome, outcome}).turned_down, 0U);
  }
}

TEST(LoginHold, IsNotLongerThanItselfWhereTheClockIsSetBack) {
  EXPECT_FALSE(must_wait(past_of({LoginOutcome::rejected}), settings(), kNow + -1s, {}));
}

TEST(LoginFacts, SayWhatWorkedBefore) {
  const LoginTry here{LoginMethod::local, "", "tocsin-probe"};
  auto facts = login_facts(here, past_of({LoginOutcome::succeeded}), kBoot, 12ms);
  EXPECT_EQ(facts.took_ms, 12U);
  EXPECT_TRUE(facts.worked_before);
  EXPECT_FALSE(facts.since_boot);
  EXPECT_FALSE(facts.held);
  facts = login_facts(here, past_of({LoginOutcome::rejected}), kBoot, {});
  EXPECT_FALSE(facts.worked_before);
  EXPECT_TRUE(facts.held);
}

// procedure M-06: it worked before the restart and has not since.
TEST(LoginFacts, SayThatALoginFailsSinceTheRestart) {
  const LoginTry here{LoginMethod::local, "", "tocsin-probe"};
  const LoginPast past = past_of({LoginOutcome::succeeded, LoginOutcome::rejected});
  EXPECT_FALSE(login_facts(here, past, kBoot, {}).since_boot);
  // Nobody tried since: the answer is of before.
  EXPECT_FALSE(login_facts(here, past, kNextBoot, {}).since_boot);
  const LoginPast tried = after(past, said(LoginOutcome::rejected), kNow, kNextBoot);
  EXPECT_TRUE(login_facts(here, tried, kNextBoot, {}).since_boot);
  EXPECT_FALSE(login_facts(here, past_of({LoginOutcome::succeeded}), kNextBoot, {}).since_boot);
  // Of another host nobody here knows when it booted.
  const LoginTry there{LoginMethod::ssh, "bk02:22", "tocsin-probe"};
  EXPECT_FALSE(login_facts(there, tried, kNextBoot, {}).since_boot);
}

// What the version before wrote is no reason to try an account at once that may be locked.
TEST(LoginPast, ReadsTheVersionBefore) {
  const auto past = parse_login_past("login1 a 7 2 b\noutcome locked\n");
  ASSERT_TRUE(past.has_value());
  EXPECT_EQ(past->turned_down, 2U);
  EXPECT_EQ(past->tried_in, "");
  EXPECT_FALSE(login_facts({}, *past, kNextBoot, {}).since_boot);
}

TEST(LoginPast, RefusesWhatItDidNotWrite) {
  for (const char* text : {"", "login1", "login1 a 1 1 -\n", "login2 a 1 1 -\noutcome refused\n",
                           "login1 a 1 x -\noutcome refused\n", "login1  1 1 -\noutcome refused\n",
                           "login1 a 1 1 - more\noutcome refused\n",
                           "login1 a -9223372036854775808 1 -\noutcome refused\n"}) {
    EXPECT_EQ(parse_login_past(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(LoginPastProperty, IsReadAsItWasWritten, ()) {
  LoginPast past;
  past.settings = "00ff";
  const auto outcomes = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 11));
  LoginAnswer answer;
  for (const int outcome : outcomes) {
    answer.outcome = static_cast<LoginOutcome>(outcome);
    past = after(past, answer, kNow, kBoot);
  }
  RC_ASSERT(parse_login_past(to_text(past)) == past);
}

// Whatever happens, tries come no closer than the least interval, and a login that is turned down
// again and again is tried less and less.
RC_GTEST_PROP(LoginHoldProperty, BoundsTheTries, ()) {
  LoginPast past;
  past.settings = "00ff";
  Instant now = kNow;
  int tries = 0;
  int turned_down = 0;
  for (int i = 0; i < 200; ++i) {
    now = now + std::chrono::seconds(*rc::gen::inRange(1, 400));
    if (must_wait(past, settings(), now, {})) continue;
    RC_ASSERT(tries == 0 || now - past.tried >= 1min);
    const auto outcome = static_cast<LoginOutcome>(*rc::gen::inRange(1, 11));
    turned_down = is_turned_down(outcome)              ? turned_down + 1
                  : outcome == LoginOutcome::succeeded ? 0
                                                       : turned_down;
    past = after(past, said(outcome), now, kBoot);
    RC_ASSERT(past.turned_down == static_cast<unsigned>(std::min(turned_down, 16)));
    ++tries;
  }
}

}  // namespace
}  // namespace tocsin::agent
