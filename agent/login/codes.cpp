#include "agent/login/codes.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <security/pam_appl.h>

#include "agent/config/probe_account.hpp"
#include "common/base/text.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;
using model::Tristate;

constexpr std::array<std::string_view, 6> kRootGroups{"root", "sudo",   "wheel",
                                                      "adm",  "shadow", "disk"};
constexpr std::string_view kAnswer = "tocsin-probe-answer ";
constexpr std::string_view kFull = "tocsin-probe-answer full";
constexpr std::size_t kSaidBytes = 200;

bool holds(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

bool is_expiry(int code) {
  return code == PAM_ACCT_EXPIRED || code == PAM_NEW_AUTHTOK_REQD || code == PAM_AUTHTOK_EXPIRED ||
         code == PAM_CRED_EXPIRED;
}

// What says that the account itself is not welcome.
bool is_denial(int code) {
  return code == PAM_AUTH_ERR || code == PAM_PERM_DENIED || code == PAM_ACCT_EXPIRED ||
         code == PAM_USER_UNKNOWN || code == PAM_MAXTRIES || code == PAM_CRED_INSUFFICIENT;
}

}  // namespace

Status may_probe(const AccountEntry& account) {
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::permission_denied,
                fmt::format("account {} is not tried: {}", account.name, why));
  };
  if (!is_probe_account(account.name)) return refused("a probe's account is called tocsin-…");
  if (account.uid == 0) return refused("it is root");
  if (!account.groups_known) return refused("its groups cannot all be listed");
  for (const std::string& group : account.groups) {
    if (std::find(kRootGroups.begin(), kRootGroups.end(), group) != kRootGroups.end()) {
      return refused(fmt::format("it is in the group {}", group));
    }
  }
  return {};
}

std::optional<std::vector<std::uint32_t>> all_groups(const ListGroups& list) {
  constexpr int kMost = 1 << 16;  // as many as the kernel allows
  // The list may grow between two looks.
  for (int room = 64; room <= kMost;) {
    std::vector<std::uint32_t> numbers(static_cast<std::size_t>(room));
    int count = room;
    const bool whole = list(numbers.data(), &count) >= 0;
    if (whole && count >= 0 && count <= room) {
      numbers.resize(static_cast<std::size_t>(count));
      return numbers;
    }
    room = count > room ? count : room * 2;
  }
  return std::nullopt;
}

bool is_locked(const ShadowEntry& shadow) {
  return shadow.password.starts_with('!') || shadow.password.starts_with('*');
}

bool has_expired(const ShadowEntry& shadow, long today) {
  if (shadow.expires >= 0 && today >= shadow.expires) return true;
  if (shadow.changed == 0) return true;  // It must be changed at the next login.
  return shadow.changed > 0 && shadow.most_days >= 0 && today > shadow.changed &&
         today - shadow.changed > shadow.most_days;
}

LoginOutcome outcome_of_pam(PamStep step, int code, bool locked, bool expired) {
  if (code == PAM_AUTHINFO_UNAVAIL) return LoginOutcome::refused;
  if (is_expiry(code)) return locked ? LoginOutcome::locked : LoginOutcome::expired;
  if (code == PAM_MAXTRIES) return LoginOutcome::locked;
  const bool about_the_account = step == PamStep::authenticate || step == PamStep::account;
  if (about_the_account && is_denial(code)) {
    if (locked) return LoginOutcome::locked;
    if (expired) return LoginOutcome::expired;
    return step == PamStep::authenticate ? LoginOutcome::rejected : LoginOutcome::session_failed;
  }
  return LoginOutcome::session_failed;
}

Refusal refusal_of(std::string_view text) {
  Refusal refusal;
  if (holds(text, "pam_nologin(8)") || holds(text, "not permitted to log in")) {
    refusal.no_logins = Tristate::yes;
  } else if (holds(text, "expired")) {
    refusal.outcome = LoginOutcome::expired;
  } else if (holds(text, "locked")) {
    refusal.outcome = LoginOutcome::locked;
  }
  return refusal;
}

std::string expected_answer(std::string_view nonce) {
  return std::string(kAnswer) + to_hex(crypto::sha256("tocsin-probe " + std::string(nonce)));
}

void read_command_answer(std::string_view nonce, std::string_view output, LoginAnswer& answer) {
  const std::string_view first = output.substr(0, std::min(output.find('\n'), output.size()));
  if (first == expected_answer(nonce)) {
    answer.outcome = LoginOutcome::succeeded;
    answer.disk_full = Tristate::no;
    return;
  }
  const Refusal refusal = refusal_of(output);
  answer.outcome =
      refusal.outcome == LoginOutcome::rejected ? LoginOutcome::session_failed : refusal.outcome;
  answer.no_logins = refusal.no_logins;
  if (first == kFull) answer.disk_full = Tristate::yes;
  answer.said = first.empty() ? "no answer" : clean_text(first, kSaidBytes);
}

}  // namespace tocsin::agent
