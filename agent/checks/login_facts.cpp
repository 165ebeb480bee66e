#include "agent/checks/login_facts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;

constexpr std::string_view kVersion = "login2";
constexpr std::string_view kBefore = "login1";  // without the boot of the last try
constexpr Duration kLongestHold = 24h;
constexpr std::uint32_t kMostDoublings = 16;

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= limits::kName &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace

std::string to_text(const LoginPast& past) {
  const auto boot = [](const std::string& id) { return id.empty() ? std::string("-") : id; };
  return fmt::format("{} {} {} {} {} {}\n{}", kVersion, past.settings, past.tried.ns,
                     past.turned_down, boot(past.worked_in), boot(past.tried_in),
                     to_text(past.answer));
}

std::optional<LoginPast> parse_login_past(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  std::string_view head = text.substr(0, end);
  const std::string_view version = take_word(head);
  if (version != kVersion && version != kBefore) return std::nullopt;
  LoginPast past;
  past.settings = take_word(head);
  const bool numbers = os::read_stamp(take_word(head), past.tried) &&
                       os::read_number(take_word(head), past.turned_down);
  past.worked_in = take_word(head);
  past.tried_in = version == kBefore ? "-" : take_word(head);
  const bool words = is_word(past.settings) && is_word(past.worked_in) && is_word(past.tried_in);
  if (!numbers || !words || !head.empty()) return std::nullopt;
  for (std::string* boot : {&past.worked_in, &past.tried_in}) {
    if (*boot == "-") boot->clear();
  }
  auto answer = parse_answer(text.substr(end + 1));
  if (!answer) return std::nullopt;
  past.answer = *std::move(answer);
  return past;
}

bool is_turned_down(LoginOutcome outcome) {
  switch (outcome) {
    case LoginOutcome::rejected:
    case LoginOutcome::locked:
    case LoginOutcome::expired:
    case LoginOutcome::session_failed:
    case LoginOutcome::host_key_changed:
      return true;
    case LoginOutcome::succeeded:
    case LoginOutcome::refused:
    case LoginOutcome::timed_out:
    case LoginOutcome::banner_only:
    case LoginOutcome::unreachable:
      return false;
  }
  return true;
}

Duration hold_of(const LoginSettings& settings, std::uint32_t turned_down) {
  if (turned_down == 0) return settings.least_interval;
  Duration hold = std::max(settings.hold, settings.least_interval);
  for (std::uint32_t i = 1; i < std::min(turned_down, kMostDoublings) && hold < kLongestHold; ++i) {
    hold *= 2;
  }
  return std::min(hold, kLongestHold);
}

bool must_wait(const LoginPast& past, const LoginSettings& settings, Instant now,
               LoginOccasion occasion) {
  if (past.settings.empty()) return false;
  std::uint32_t turned_down = past.turned_down;
  if (occasion.rebooted) {
    turned_down = 0;
  } else if (occasion.requested && past.answer.outcome != LoginOutcome::locked) {
    turned_down = turned_down > 1 ? 1 : 0;
  }
  const Duration since = now - past.tried;
  // A clock that was set back must not hold a login for ever.
  return since >= 0s && since < hold_of(settings, turned_down);
}

LoginPast after(LoginPast past, const LoginAnswer& answer, Instant now, std::string_view boot_id) {
  past.tried = now;
  past.tried_in = is_word(boot_id) ? std::string(boot_id) : std::string(kUnknownBoot);
  past.answer = answer;
  if (is_turned_down(answer.outcome)) {
    past.turned_down = std::min(past.turned_down + 1, kMostDoublings);
  } else if (answer.outcome == LoginOutcome::succeeded) {
    past.turned_down = 0;
    past.worked_in = past.tried_in;
  }
  return past;
}

model::LoginFacts login_facts(const LoginTry& attempt, const LoginPast& past,
                              std::string_view boot_id, Duration took) {
  model::LoginFacts facts;
  facts.method = attempt.method;
  facts.address = attempt.address;
  facts.account = attempt.account;
  facts.outcome = past.answer.outcome;
  facts.banner = past.answer.banner;
  facts.own_end = past.answer.own_end;
  facts.took_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(took / 1ms, 0, 1 << 30));
  facts.said = past.answer.said;
  facts.held = past.turned_down > 0;
  if (facts.held) facts.tried_at = past.tried;
  facts.worked_before = !past.worked_in.empty();
  facts.since_boot = attempt.method == model::LoginMethod::local && facts.worked_before &&
                     past.answer.outcome != LoginOutcome::succeeded && past.worked_in != boot_id &&
                     past.tried_in == boot_id;
  facts.no_logins = past.answer.no_logins;
  facts.disk_full = past.answer.disk_full;
  return facts;
}

}  // namespace tocsin::agent
