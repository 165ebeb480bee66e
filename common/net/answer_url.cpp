#include "common/net/answer_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tocsin::net {
namespace {

constexpr std::size_t kLongestPath = 512;

struct Scheme {
  std::string_view word;
  AnswerScheme scheme;
  std::uint16_t port;  // where none is said; 0: it must be
};
constexpr std::array kSchemes{
    Scheme{"tcp://", AnswerScheme::tcp, 0},     Scheme{"banner://", AnswerScheme::banner, 0},
    Scheme{"http://", AnswerScheme::http, 80},  Scheme{"tls://", AnswerScheme::tls, 0},
    Scheme{"https://", AnswerScheme::tls, 443},
};

bool is_plain(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// "10.0.0.1:80", "[::1]:80", "10.0.0.1"
bool read_authority(std::string_view text, AnswerUrl& url) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (const std::size_t colon = text.find(':'); colon != text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const auto address = parse_ip(host);
  if (!address || address->v6 != text.starts_with('[')) return false;
  url.address = *address;
  if (port.empty()) return url.port != 0;
  if (!port.starts_with(':')) return false;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.begin(), port.end(), url.port);
  return error == std::errc() && end == port.end() && url.port != 0;
}

}  // namespace

std::optional<AnswerUrl> parse_answer_url(std::string_view text) {
  const auto scheme = std::find_if(kSchemes.begin(), kSchemes.end(),
                                   [&](const Scheme& s) { return text.starts_with(s.word); });
  if (scheme == kSchemes.end()) return std::nullopt;
  text.remove_prefix(scheme->word.size());
  AnswerUrl url;
  url.scheme = scheme->scheme;
  url.port = scheme->port;
  const std::size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  const bool may_have_path = scheme->port != 0;
  if (url.path.size() > kLongestPath || !is_plain(url.path)) return std::nullopt;
  if (!may_have_path && !url.path.empty()) return std::nullopt;
  if (!read_authority(text.substr(0, slash), url)) return std::nullopt;
  return url;
}

}  // namespace tocsin::net
