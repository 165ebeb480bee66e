// Asks on the same LAN whether somebody has an address: ARP (IPv4, RFC 826) or neighbour discovery
// (IPv6, RFC 4861). A host that filters echo requests and ports must still answer these. Needs
// CAP_NET_RAW. Packets are made and read by pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/net/ip.hpp"
#include "common/net/ping_plan.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

using HardwareAddress = std::array<std::uint8_t, 6>;

// The interface whose network contains a target.
struct Lan {
  int interface_index = 0;
  HardwareAddress hardware{};
  IpAddress own;
  friend bool operator==(const Lan&, const Lan&) = default;
};
// Nothing where the target is not on a network of this machine that has hardware addresses, or that
// network's cable is out. `interface`: the only one that counts; 0: any.
std::optional<Lan> lan_of(const IpAddress& target, std::uint32_t interface = 0);
// May this process ask neighbours itself?
bool may_ask_neighbours();

std::string arp_request(const Lan& lan, const IpAddress& target);
// Does this ARP packet say that `target` is there?
bool is_arp_reply(std::string_view packet, const IpAddress& target);
std::string neighbour_solicitation(const Lan& lan, const IpAddress& target);
bool is_neighbour_advertisement(std::string_view packet, const IpAddress& target);

// One result for each plan, in their order: up to `questions` to each, together, until `deadline`;
// an answer ends them. Nothing is sent for a target that is on no LAN of ours, or where this
// process may not ask. Errors: deadline_exceeded (stopped).
Result<std::vector<PingResult>> ping_neighbours(std::span<const PingPlan> plans, int questions,
                                                MonoTime deadline, const time::TimeSource& time,
                                                std::stop_token stop);

}  // namespace tocsin::net
