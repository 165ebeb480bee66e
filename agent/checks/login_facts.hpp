// When a login may be tried, and what is known of the tries before (procedure M-02, M-06). Pure.
//
// A test that locks its own account, or fills the log that the procedure reads, does harm. So two
// tries are a while apart whoever asks, and a login that was turned down is held: tried again only
// after a time that doubles, or at once when its settings changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config/settings.hpp"
#include "agent/login/answer.hpp"
#include "common/base/instant.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

// Stands in the past for the boot of a try whose id could not be read.
inline constexpr std::string_view kUnknownBoot = "unknown";

// Kept between runs, through restarts.
struct LoginPast {
  std::string settings;  // what the account, key and address were, as a hash; empty: no try yet
  Instant tried;
  std::uint32_t turned_down = 0;  // in a row
  std::string worked_in;          // the boot in which a login last worked; empty: never
  std::string tried_in;           // the boot of the last try; empty: not known
  LoginAnswer answer;             // of the last try
  friend bool operator==(const LoginPast&, const LoginPast&) = default;
};
std::string to_text(const LoginPast& past);
std::optional<LoginPast> parse_login_past(std::string_view text);

// The system heard the credential, or did not let it come so far: another try may count against the
// account.
bool is_turned_down(model::LoginOutcome outcome);
// How long a login is left alone after `turned_down` in a row; a day at most.
Duration hold_of(const LoginSettings& settings, std::uint32_t turned_down);
struct LoginOccasion {
  // This host, whose login it is, has booted since: that ends a hold, for a try after a restart is
  // what the procedure asks for (M-06).
  bool rebooted = false;
  // Somebody asked for it now. That ends the hold after one login that was turned down; after more
  // it only undoes the doubling, and of a locked account nothing. So `hold` never has more than two
  // tries in it that count against the account.
  bool requested = false;
};
// True where the last answer stands and nothing is tried.
bool must_wait(const LoginPast& past, const LoginSettings& settings, Instant now,
               LoginOccasion occasion);

LoginPast after(LoginPast past, const LoginAnswer& answer, Instant now, std::string_view boot_id);

struct LoginTry {
  model::LoginMethod method = model::LoginMethod::local;
  std::string address;
  std::string account;
};
model::LoginFacts login_facts(const LoginTry& attempt, const LoginPast& past,
                              std::string_view boot_id, Duration took);

}  // namespace tocsin::agent
