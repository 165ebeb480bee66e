#include "agent/login/answer.hpp"

#include <charconv>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

using model::LoginOutcome;
using model::Tristate;
using Fields = std::map<std::string, std::string, std::less<>>;

constexpr std::size_t kSaidBytes = 256;
constexpr std::size_t kMostFields = 16;

std::string line(std::string_view key, std::string_view value, std::size_t most = kSaidBytes) {
  return value.empty() ? std::string() : fmt::format("{} {}\n", key, clean_text(value, most));
}

std::string_view word_of(Tristate value) {
  return value == Tristate::yes ? "yes" : value == Tristate::no ? "no" : "";
}
Tristate tristate_of(std::string_view word) {
  return word == "yes" ? Tristate::yes : word == "no" ? Tristate::no : Tristate::unknown;
}

std::optional<LoginOutcome> outcome_from(std::string_view word) {
  for (int i = static_cast<int>(LoginOutcome::succeeded);
       i <= static_cast<int>(LoginOutcome::unreachable); ++i) {
    const auto outcome = static_cast<LoginOutcome>(i);
    if (model::to_string(outcome) == word) return outcome;
  }
  return std::nullopt;
}

std::optional<ErrorCode> code_from(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (to_string(code) == word) return code;
  }
  return std::nullopt;
}

// "key value" lines; each key once. Nothing where a line is none.
std::optional<Fields> fields_of(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view one = text.substr(0, end);
    const std::size_t space = one.find(' ');
    if (end == text.npos || space == one.npos || space == 0 || fields.size() == kMostFields) {
      return std::nullopt;
    }
    if (!fields.emplace(one.substr(0, space), one.substr(space + 1)).second) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return fields;
}

std::string_view value_of(const Fields& fields, std::string_view key) {
  const auto found = fields.find(key);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

auto malformed(const char* what) {
  return fail(ErrorCode::invalid_argument, fmt::format("the login program: {}", what));
}

}  // namespace

std::string to_text(const LoginAnswer& answer) {
  return line("outcome", model::to_string(answer.outcome)) + line("banner", answer.banner) +
         line("own_end", answer.own_end) + line("said", answer.said) +
         line("no_logins", word_of(answer.no_logins)) +
         line("disk_full", word_of(answer.disk_full));
}

std::string to_text(const Error& error) {
  return line("error", to_string(error.code)) +
         line("message", error.message.empty() ? "-" : error.message, limits::kText);
}

Result<LoginAnswer> parse_answer(std::string_view text) {
  if (text.empty()) return malformed("no answer");
  const auto fields = text.size() <= kAnswerBytes ? fields_of(text) : std::nullopt;
  if (!fields) return malformed("not an answer");
  if (const auto code = code_from(value_of(*fields, "error"))) {
    return fail(*code, clean_text(value_of(*fields, "message"), limits::kText));
  }
  const auto outcome = outcome_from(value_of(*fields, "outcome"));
  if (!outcome) return malformed("an answer without an outcome");
  LoginAnswer answer;
  answer.outcome = *outcome;
  answer.banner = clean_text(value_of(*fields, "banner"), kSaidBytes);
  answer.own_end = clean_text(value_of(*fields, "own_end"), kSaidBytes);
  answer.said = clean_text(value_of(*fields, "said"), kSaidBytes);
  answer.no_logins = tristate_of(value_of(*fields, "no_logins"));
  answer.disk_full = tristate_of(value_of(*fields, "disk_full"));
  return answer;
}

std::string to_text(const SshRequest& request) {
  return fmt::format("address {}\naccount {}\nhost_key {}\nlimit_ms {}\n\n{}", request.address,
                     request.account, request.host_key, request.limit / 1ms, request.private_key);
}

Result<SshRequest> parse_ssh_request(std::string_view text) {
  constexpr std::string_view kBreak = "\n\n";
  const std::size_t head = text.find(kBreak);
  const auto fields = head == text.npos || text.size() > kRequestBytes
                          ? std::nullopt
                          : fields_of(text.substr(0, head + 1));
  if (!fields) return malformed("not a request");
  SshRequest request;
  request.address = value_of(*fields, "address");
  request.account = value_of(*fields, "account");
  request.host_key = value_of(*fields, "host_key");
  const std::string_view limit = value_of(*fields, "limit_ms");
  std::int64_t milliseconds = 0;
  const auto read = std::from_chars(limit.data(), limit.data() + limit.size(), milliseconds);
  if (read.ec != std::errc{} || milliseconds < 1 || milliseconds > 600'000) {
    return malformed("a request without a limit");
  }
  request.limit = milliseconds * 1ms;
  request.private_key = text.substr(head + kBreak.size());
  return request;
}

std::string to_text(const LocalRequest& request) {
  return fmt::format("account {}\npassword_file {}\n", request.account, request.password_file);
}

Result<LocalRequest> parse_local_request(std::string_view text) {
  const auto fields = text.size() <= kRequestBytes ? fields_of(text) : std::nullopt;
  if (!fields) return malformed("not a request");
  return LocalRequest{std::string(value_of(*fields, "account")),
                      std::string(value_of(*fields, "password_file"))};
}

}  // namespace tocsin::agent
