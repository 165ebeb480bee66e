#include "common/model/ports.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tocsin::model {
namespace {

std::optional<std::uint16_t> one_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
  if (error != std::errc() || end != text.end() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::optional<std::vector<std::uint16_t>> parse_ports(std::string_view text) {
  std::vector<std::uint16_t> ports;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    more = comma != text.npos;
    text.remove_prefix(more ? comma + 1 : text.size());
    const std::size_t dash = part.find('-');
    const auto first = one_port(part.substr(0, dash));
    const auto last = dash == part.npos ? first : one_port(part.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    if (ports.size() + (*last - *first) + 1U > kMostPorts) return std::nullopt;
    for (std::uint32_t port = *first; port <= *last; ++port) {
      ports.push_back(static_cast<std::uint16_t>(port));
    }
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

std::string ports_text(std::vector<std::uint16_t> ports) {
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  ports.resize(std::min(ports.size(), kMostListed));
  std::string text;
  for (const std::uint16_t port : ports) {
    text.append(text.empty() ? "" : ",").append(std::to_string(port));
  }
  return text;
}

std::string merged_ports(std::string_view a, std::string_view b) {
  std::vector<std::uint16_t> all = parse_ports(a).value_or(std::vector<std::uint16_t>());
  const std::vector<std::uint16_t> more = parse_ports(b).value_or(std::vector<std::uint16_t>());
  all.insert(all.end(), more.begin(), more.end());
  return ports_text(std::move(all));
}

}  // namespace tocsin::model
