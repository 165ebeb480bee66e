#include "agent/enroll/token_line.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "common/base/limits.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/secret_file.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kLineBytes = 1024;
constexpr std::size_t kFingerprintDigits = 64;

Result<std::string> read_standard_input() {
  std::string text;
  for (char buffer[256];;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("standard input", errno));
    text.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 || text.size() > kLineBytes || text.ends_with('\n')) return text;
  }
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= limits::kTokenBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<std::string> parse_fingerprint(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == ':') continue;
    digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (digits.size() != kFingerprintDigits ||
      digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(ErrorCode::invalid_argument, "a fingerprint is 64 hex digits (SHA-256)");
  }
  return digits;
}

Result<TokenLine> parse_token_line(std::string_view text) {
  const auto refuse = [] {
    return fail(ErrorCode::invalid_argument,
                "no token: one line is expected, the token, the fingerprint of the collector's "
                "authority and its address");
  };
  if (text.size() > kLineBytes) return refuse();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t space = text.find(' ');
  TokenLine line;
  line.token = text.substr(0, space);
  if (!is_token(line.token)) return refuse();
  if (space == std::string_view::npos) return line;
  text.remove_prefix(space + 1);
  const std::size_t end = text.find(' ');
  auto fingerprint = parse_fingerprint(text.substr(0, end));
  if (!fingerprint) return refuse();
  line.fingerprint = std::move(*fingerprint);
  if (end == std::string_view::npos) return line;
  line.collector = text.substr(end + 1);
  if (!config::parse_endpoint(line.collector)) return refuse();
  return line;
}

Result<TokenLine> read_token_line(const std::string& path) {
  const auto text = path == "-" ? read_standard_input() : config::read_secret_file(path);
  if (!text) return fail(text.error());
  auto line = parse_token_line(*text);
  if (!line) {
    return fail(line.error().code,
                fmt::format("{}: {}", path == "-" ? "standard input" : path, line.error().message));
  }
  return line;
}

}  // namespace tocsin::agent
