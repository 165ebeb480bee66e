// What is said between a login check and the program that logs in for it: a request on its standard
// input, an answer on its standard output. Pure; both sides read with a bound on everything,
// because what the answer carries came from another machine.
#pragma once

#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

inline constexpr std::size_t kAnswerBytes = 8 << 10;
inline constexpr std::size_t kRequestBytes = 128 << 10;

struct LoginAnswer {
  model::LoginOutcome outcome = model::LoginOutcome::succeeded;
  std::string banner;
  std::string own_end;
  std::string said;  // of a failure
  model::Tristate no_logins = model::Tristate::unknown;
  model::Tristate disk_full = model::Tristate::unknown;
  friend bool operator==(const LoginAnswer&, const LoginAnswer&) = default;
};
std::string to_text(const LoginAnswer& answer);
// The login could not even be tried.
std::string to_text(const Error& error);
// Errors: what the other side said, or invalid_argument where it is no answer.
Result<LoginAnswer> parse_answer(std::string_view text);

struct SshRequest {
  std::string address;  // host:port
  std::string account;
  std::string host_key;  // "ssh-ed25519 AAAA…": the only one that is accepted
  Duration limit{};
  std::string private_key;  // the file's content
};
std::string to_text(const SshRequest& request);
Result<SshRequest> parse_ssh_request(std::string_view text);

// Where there is no unit that logs in: asked by root, who could do so anyway.
struct LocalRequest {
  std::string account;
  std::string password_file;
};
std::string to_text(const LocalRequest& request);
Result<LocalRequest> parse_local_request(std::string_view text);

}  // namespace tocsin::agent
