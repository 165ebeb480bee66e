// M-02, M-06: can somebody log in? The procedure calls a failed login an intrusion; an expired
// password, a full disk, maintenance or a mistake in the settings look the same, so the answer is
// "suspected" at most, after every benign cause was asked for.
#include <array>
#include <chrono>
#include <string>

#include <fmt/format.h>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::LoginFacts;
using model::LoginOutcome;
using model::Tristate;
using model::Verdict;

// Nothing that listens, or nothing behind it, is a matter of the service (M-03), whatever the
// settings: there is no account in it yet.
bool is_about_the_service(LoginOutcome outcome) {
  return outcome == LoginOutcome::refused || outcome == LoginOutcome::timed_out ||
         outcome == LoginOutcome::banner_only;
}

constexpr std::array kFailures{
    LoginOutcome::refused,     LoginOutcome::timed_out,        LoginOutcome::banner_only,
    LoginOutcome::rejected,    LoginOutcome::locked,           LoginOutcome::expired,
    LoginOutcome::unreachable, LoginOutcome::host_key_changed, LoginOutcome::session_failed};

// How far a login came. What lies behind was not seen.
int stage_of(LoginOutcome outcome) {
  switch (outcome) {
    case LoginOutcome::unreachable:
      return 0;
    case LoginOutcome::refused:
    case LoginOutcome::timed_out:
      return 1;
    case LoginOutcome::banner_only:
      return 2;
    case LoginOutcome::host_key_changed:
      return 3;
    case LoginOutcome::rejected:
    case LoginOutcome::locked:
    case LoginOutcome::expired:
      return 4;
    case LoginOutcome::session_failed:
      return 5;
    case LoginOutcome::succeeded:
      break;
  }
  return 6;
}

model::Message message_of(const LoginFacts& facts, std::string code, std::string why) {
  const bool local = facts.method == model::LoginMethod::local;
  return {std::move(code),
          {said("account", facts.account),
           local ? model::Parameter{"where", "@login.here"} : said("where", facts.address),
           model::Parameter{"outcome", "@login.outcome." + std::string(to_string(facts.outcome))},
           said("said", facts.said.empty() ? "-" : facts.said),
           model::Parameter{"why", std::move(why)}}};
}

// What explains a failure without an intruder; empty: nothing that we know.
std::string benign_cause(const LoginFacts& facts) {
  if (facts.no_logins == Tristate::yes) return "@why.no_logins";
  if (facts.disk_full == Tristate::yes) return "@why.disk_full";
  if (facts.outcome == LoginOutcome::unreachable) return "@why.unreachable";
  // Without a login that worked before, the settings are the likelier fault.
  if (!facts.worked_before && !is_about_the_service(facts.outcome)) return "@why.never_worked";
  return {};
}

std::string history_of(const LoginFacts& facts) {
  if (facts.since_boot) return "@why.since_boot";
  return facts.worked_before ? "@why.worked_before" : "@why.never_worked";
}

// A person compares it with what the account's host says: "2026-11-23 20:24 UTC". "-": not known.
std::string moment(Instant at) {
  if (at.ns <= 0) return "-";
  const std::chrono::sys_seconds seconds(std::chrono::seconds(at.ns / 1'000'000'000));
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const auto minutes = (seconds - day) / 1min;
  return fmt::format("{}-{:02}-{:02} {:02}:{:02} UTC", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     minutes / 60, minutes % 60);
}

std::string subject_of(const LoginFacts& facts) {
  std::string subject = subject_part(facts.account);
  if (facts.method == model::LoginMethod::ssh) subject += " " + subject_part(facts.address);
  return subject;
}

}  // namespace

model::Judgement judge_login(const LoginFacts& facts) {
  if (facts.outcome == LoginOutcome::succeeded) {
    return conclude(Verdict::normal, message_of(facts, "login.ok", ""));
  }
  if (const std::string why = benign_cause(facts); !why.empty()) {
    return conclude(Verdict::cannot_tell, message_of(facts, "login.cannot_tell", why));
  }
  model::Judgement judgement = conclude_abnormal(
      subject_of(facts),
      message_of(facts, "login." + std::string(to_string(facts.outcome)), history_of(facts)));
  for (const LoginOutcome other : kFailures) {
    if (stage_of(other) > stage_of(facts.outcome)) {
      judgement.unseen.push_back(all_of("login." + std::string(to_string(other))));
    }
  }
  if (facts.held) {
    judgement.reasons.push_back(
        {"login.held", {said("account", facts.account), said("tried", moment(facts.tried_at))}});
  }
  return judgement;
}

}  // namespace tocsin::rules
