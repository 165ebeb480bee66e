// What the host's administrator brought from the collector. Pure but for reading the file.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::agent {

struct TokenLine {
  std::string token;
  std::string fingerprint;  // of the collector's authority: 64 lower-case hex digits; may be empty
  std::string collector;    // host:port of its enrolment door; may be empty
};

// "TOKEN", "TOKEN FINGERPRINT" or "TOKEN FINGERPRINT HOST:PORT", one line. Errors (which never
// quote the text): invalid_argument.
Result<TokenLine> parse_token_line(std::string_view text);
// The same from a file that only its owner may read, or from standard input for "-".
Result<TokenLine> read_token_line(const std::string& path);
// 64 hex digits, with or without colons between pairs, in lower case.
Result<std::string> parse_fingerprint(std::string_view text);

}  // namespace tocsin::agent
