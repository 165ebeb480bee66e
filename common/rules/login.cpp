// M-02, M-06: can somebody log in? The procedure calls a failed login an intrusion; an expired
// password, a full disk, maintenance or a mistake in the settings look the same, so the answer is
// "suspected" at most, after every benign cause was asked for.
#include <string>

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
  if (facts.held) judgement.reasons.push_back({"login.held", {said("account", facts.account)}});
  return judgement;
}

}  // namespace tocsin::rules
