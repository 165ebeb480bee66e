#include "common/model/targets.hpp"

#include <charconv>
#include <cstdint>

#include <arpa/inet.h>

namespace tocsin::model {
namespace {

constexpr int kBits = 32;

struct Span {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string text_of(std::uint32_t address) {
  const in_addr raw{htonl(address)};
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &raw, text, sizeof text);
  return text;
}

std::optional<Span> parse_network(std::string_view address, std::string_view digits) {
  const auto any = parse_v4(address);
  int length = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), length);
  if (!any || error != std::errc() || end != digits.end()) return std::nullopt;
  if (length < 1 || length > kBits) return std::nullopt;
  const std::uint32_t hosts = length == kBits ? 0 : UINT32_MAX >> length;
  const Span all{*any & ~hosts, *any | hosts};
  return hosts > 1 ? Span{all.first + 1, all.last - 1} : all;
}

std::optional<Span> parse_span(std::string_view part) {
  if (const std::size_t slash = part.find('/'); slash != part.npos) {
    return parse_network(part.substr(0, slash), part.substr(slash + 1));
  }
  const std::size_t dash = part.find('-');
  const auto first = parse_v4(part.substr(0, dash));
  const auto last = dash == part.npos ? first : parse_v4(part.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return Span{*first, *last};
}

bool is_v6(std::string_view part) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(part).c_str(), &address) == 1;
}

}  // namespace

std::optional<std::vector<std::string>> parse_targets(std::string_view text, std::size_t most) {
  std::vector<std::string> targets;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    more = comma != text.npos;
    text.remove_prefix(more ? comma + 1 : text.size());
    if (part.find('\0') != part.npos || targets.size() >= most) return std::nullopt;
    if (is_v6(part)) {
      targets.emplace_back(part);
      continue;
    }
    const auto span = parse_span(part);
    if (!span || span->last - span->first >= most - targets.size()) return std::nullopt;
    for (std::uint32_t i = 0; i <= span->last - span->first; ++i) {
      targets.push_back(text_of(span->first + i));
    }
  }
  return targets;
}

}  // namespace tocsin::model
