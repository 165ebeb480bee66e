#include "common/rules/port_names.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace tocsin::rules {
namespace {

struct PortName {
  std::uint16_t port;
  model::Protocol protocol;
  // A name has at most 15 characters (RFC 6335). In place, because a program that is loaded
  // anywhere would have to correct each of these thousands of addresses, in memory that is then its
  // own.
  char name[16];
};

constexpr auto kPortNames = std::to_array<PortName>({
#include "common/rules/data/ports.inc"
});

constexpr bool before(const PortName& a, const PortName& b) {
  return std::tie(a.port, a.protocol) < std::tie(b.port, b.protocol);
}
static_assert(std::is_sorted(kPortNames.begin(), kPortNames.end(), before));

}  // namespace

std::string_view port_name(model::Protocol protocol, std::uint16_t port) {
  const PortName wanted{port, protocol, {}};
  const auto it = std::lower_bound(kPortNames.begin(), kPortNames.end(), wanted, before);
  return it != kPortNames.end() && it->port == port && it->protocol == protocol
             ? std::string_view(it->name)
             : std::string_view{};
}

}  // namespace tocsin::rules
