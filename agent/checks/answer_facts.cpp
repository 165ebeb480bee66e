#include "agent/checks/answer_facts.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

using model::AnswerOutcome;

constexpr std::size_t kLine = 256;
constexpr std::size_t kTlsHead = 6;  // of a record, and the kind of its first message
void append16(std::string& bytes, std::size_t value) {
  bytes += static_cast<char>(value >> 8);
  bytes += static_cast<char>(value & 0xFF);
}

std::string extension(std::uint16_t type, std::string_view body) {
  std::string bytes;
  append16(bytes, type);
  append16(bytes, body.size());
  return bytes.append(body);
}

// The beginning of TLS 1.2 or 1.3 without a key: every server that speaks TLS answers it, with its
// hello, the wish for a key (which is a hello too), or an alert. Nothing secret follows.
std::string client_hello() {
  using namespace std::string_view_literals;
  constexpr auto kSuites =
      "\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\x00\x9c\x00\x9d\x00\x2f\x00\x35"sv;
  std::string extensions = extension(10, "\x00\x06\x00\x1d\x00\x17\x00\x18"sv);  // groups
  extensions += extension(11, "\x01\x00"sv);                                     // points
  extensions += extension(13, "\x00\x0e\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x02\x01"sv);
  extensions += extension(43, "\x04\x03\x04\x03\x03"sv);  // versions 1.3 and 1.2
  extensions += extension(51, "\x00\x00"sv);              // no key yet
  std::string body = "\x03\x03";
  body.append(32, '\x2a');  // Where a secret follows this is random.
  body += '\0';             // no session
  append16(body, kSuites.size());
  body.append(kSuites);
  body.append("\x01\x00"sv);  // no compression
  append16(body, extensions.size());
  body += extensions;
  std::string record("\x16\x03\x01"sv);
  append16(record, body.size() + 4);
  record.append("\x01\x00"sv);
  append16(record, body.size());
  return record + body;
}

std::string_view first_line(std::string_view bytes) {
  return bytes.substr(0, std::min(bytes.find_first_of("\r\n"), kLine));
}

std::optional<Said> meaning_of_tls(std::string_view bytes, bool ended) {
  constexpr char kAlert = 21;
  constexpr char kHandshake = 22;
  constexpr char kServerHello = 2;
  if (bytes.size() < kTlsHead) {
    if (!ended) return std::nullopt;
    return Said{bytes.empty() ? AnswerOutcome::no_answer : AnswerOutcome::wrong_answer, 0, {}};
  }
  const bool record = bytes[1] == 3;
  if (record && bytes[0] == kHandshake && bytes[5] == kServerHello) {
    return Said{AnswerOutcome::answered, 0, {}};
  }
  if (record && bytes[0] == kAlert) return Said{AnswerOutcome::tls_failed, 0, {}};
  return Said{AnswerOutcome::wrong_answer, 0, clean_text(first_line(bytes), kLine)};
}

std::optional<Said> meaning_of_http(std::string_view bytes, bool ended) {
  const bool whole = bytes.find('\n') != bytes.npos || bytes.size() > kLine;
  if (!whole && !ended) return std::nullopt;
  Said said{AnswerOutcome::wrong_answer, 0, clean_text(first_line(bytes), kLine)};
  if (bytes.empty()) said.outcome = AnswerOutcome::no_answer;
  const std::string_view line = first_line(bytes);
  const std::size_t space = line.find(' ');
  if (!line.starts_with("HTTP/") || space == line.npos || line.size() < space + 4) return said;
  const std::string_view digits = line.substr(space + 1, 3);
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), said.status);
  if (error != std::errc() || end != digits.end() || said.status < 100) {
    said.status = 0;
    return said;
  }
  said.outcome = AnswerOutcome::answered;
  return said;
}

std::optional<Said> meaning_of_banner(std::string_view bytes, bool ended) {
  const bool whole = bytes.find('\n') != bytes.npos || bytes.size() > kLine;
  if (!whole && !ended) return std::nullopt;
  const auto outcome = bytes.empty() ? AnswerOutcome::no_answer : AnswerOutcome::answered;
  return Said{outcome, 0, clean_text(first_line(bytes), kLine)};
}

}  // namespace

std::string greeting(const AnswerUrl& url) {
  switch (url.scheme) {
    case AnswerScheme::http: {
      const std::string host = net::to_string(url.address);
      return "GET " + (url.path.empty() ? "/" : url.path) +
             " HTTP/1.1\r\nHost: " + (url.address.v6 ? "[" + host + "]" : host) +
             "\r\nConnection: close\r\nUser-Agent: tocsin-agent\r\n\r\n";
    }
    case AnswerScheme::tls:
      return client_hello();
    case AnswerScheme::tcp:
    case AnswerScheme::banner:
      break;
  }
  return {};
}

std::optional<Said> meaning_of_answer(AnswerScheme scheme, std::string_view bytes, bool ended) {
  switch (scheme) {
    case AnswerScheme::tcp:
      return Said{AnswerOutcome::answered, 0, {}};
    case AnswerScheme::banner:
      return meaning_of_banner(bytes, ended);
    case AnswerScheme::http:
      return meaning_of_http(bytes, ended);
    case AnswerScheme::tls:
      break;
  }
  return meaning_of_tls(bytes, ended);
}

}  // namespace tocsin::agent
