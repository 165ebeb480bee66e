// What PAM, sshd and the answering program at the other end say, as outcomes. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/login/answer.hpp"
#include "common/base/result.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

// An account as the host knows it.
struct AccountEntry {
  std::string name;
  std::uint32_t uid = 0;
  std::vector<std::string> groups;
  bool groups_known = true;  // all of them
};
// Errors: permission_denied where nobody should log in with this account for a test: its name is no
// probe's, it is root under another name, or a group of it may become root, or may be one that
// could not be listed.
Status may_probe(const AccountEntry& account);

// The numbers of an account's groups, as getgrouplist(3) gives them into room for `count`: -1 where
// there are more, and then `count` says how many. Nothing where it never gives them all.
using ListGroups = std::function<int(std::uint32_t* numbers, int* count)>;
std::optional<std::vector<std::uint32_t>> all_groups(const ListGroups& list);

// What the shadow file says of it; days since 1970, -1 where there is none.
struct ShadowEntry {
  std::string password;
  long changed = -1;
  long most_days = -1;  // the password is good for
  long expires = -1;    // the account
};
bool is_locked(const ShadowEntry& shadow);
bool has_expired(const ShadowEntry& shadow, long today);

enum class PamStep : std::uint8_t { start, authenticate, account, session };
// `code` is not PAM_SUCCESS. Stacks differ in what they say of an account that is locked or has
// expired (Debian's says "authentication failure" of both), so the shadow file is asked too.
model::LoginOutcome outcome_of_pam(PamStep step, int code, bool locked, bool expired);

// What a server says while it turns a login down: the text of its banner or of its disconnect.
struct Refusal {
  model::LoginOutcome outcome = model::LoginOutcome::rejected;
  model::Tristate no_logins = model::Tristate::unknown;
};
Refusal refusal_of(std::string_view text);

// What the account's forced command must answer to a nonce.
std::string expected_answer(std::string_view nonce);
// `output` of the command: adds outcome, said and disk_full to `answer`.
void read_command_answer(std::string_view nonce, std::string_view output, LoginAnswer& answer);

}  // namespace tocsin::agent
