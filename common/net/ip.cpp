#include "common/net/ip.hpp"

#include <algorithm>
#include <cstddef>

#include <arpa/inet.h>

namespace tocsin::net {
namespace {

bool all_zero(const IpAddress& address, std::size_t from, std::size_t to) {
  return std::all_of(address.bytes.begin() + static_cast<std::ptrdiff_t>(from),
                     address.bytes.begin() + static_cast<std::ptrdiff_t>(to),
                     [](std::uint8_t byte) { return byte == 0; });
}

model::AddressClass classify_v4(const IpAddress& a) {
  if (all_zero(a, 0, 4)) return model::AddressClass::any;
  if (a.bytes[0] == 127) return model::AddressClass::loopback;
  const bool rfc1918 = a.bytes[0] == 10 || (a.bytes[0] == 172 && (a.bytes[1] & 0xF0) == 16) ||
                       (a.bytes[0] == 192 && a.bytes[1] == 168);
  const bool link_local = a.bytes[0] == 169 && a.bytes[1] == 254;
  return rfc1918 || link_local ? model::AddressClass::private_network
                               : model::AddressClass::public_network;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  IpAddress address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

IpAddress unmapped(const IpAddress& address) {
  if (!address.v6 || !all_zero(address, 0, 10)) return address;
  if (address.bytes[10] != 0xFF || address.bytes[11] != 0xFF) return address;
  IpAddress inner;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), inner.bytes.begin());
  return inner;
}

model::AddressClass classify(const IpAddress& address) {
  const IpAddress a = unmapped(address);
  if (!a.v6) return classify_v4(a);
  if (all_zero(a, 0, 16)) return model::AddressClass::any;
  if (all_zero(a, 0, 15) && a.bytes[15] == 1) return model::AddressClass::loopback;
  const bool unique_local = (a.bytes[0] & 0xFE) == 0xFC;
  const bool link_local = a.bytes[0] == 0xFE && (a.bytes[1] & 0xC0) == 0x80;
  return unique_local || link_local ? model::AddressClass::private_network
                                    : model::AddressClass::public_network;
}

std::string prefix_of(const IpAddress& address) {
  IpAddress network = unmapped(address);
  const std::ptrdiff_t kept = network.v6 ? 8 : 3;
  std::fill(network.bytes.begin() + kept, network.bytes.end(), std::uint8_t{0});
  return to_string(network) + (network.v6 ? "/64" : "/24");
}

}  // namespace tocsin::net
