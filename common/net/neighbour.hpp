// Asks on the same LAN whether somebody has an address: ARP (IPv4, RFC 826) or neighbour discovery
// (IPv6, RFC 4861). A host that filters echo requests and ports must still answer these. Needs
// CAP_NET_RAW. Packets are made and read by pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/net/icmp.hpp"
#include "common/net/ip.hpp"

namespace tocsin::net {

using HardwareAddress = std::array<std::uint8_t, 6>;

// The interface whose network contains a target.
struct Lan {
  int interface_index = 0;
  HardwareAddress hardware{};
  IpAddress own;
  friend bool operator==(const Lan&, const Lan&) = default;
};
// Nothing where the target is not on a network of this machine that has hardware addresses.
std::optional<Lan> lan_of(const IpAddress& target);

std::string arp_request(const Lan& lan, const IpAddress& target);
// Does this ARP packet say that `target` is there?
bool is_arp_reply(std::string_view packet, const IpAddress& target);
std::string neighbour_solicitation(const Lan& lan, const IpAddress& target);
bool is_neighbour_advertisement(std::string_view packet, const IpAddress& target);

// Up to plan.packets questions until plan.deadline, ended by the first answer. Errors:
// not_found (not on the same LAN), permission_denied, unavailable, deadline_exceeded (stopped).
Result<PingResult> ping_neighbour(const PingPlan& plan, const time::TimeSource& time,
                                  std::stop_token stop);

}  // namespace tocsin::net
