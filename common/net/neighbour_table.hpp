// What the kernel itself knows of a neighbour (rtnetlink, RTM_GETNEIGH): for a process that may not
// ask by ARP or neighbour discovery. Needs no privilege.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/net/ip.hpp"

namespace tocsin::net {

enum class NeighbourState : std::uint8_t {
  absent,   // the kernel does not know it
  gone,     // it was asked and did not answer
  pending,  // being asked, or it answered too long ago to tell
  there,    // it answered a moment ago
};

// The state of `address` in a part of the kernel's answer; nothing where it is not in it.
// `interface`: the only one that counts; 0: any. Pure.
std::optional<NeighbourState> parse_neighbour(std::string_view messages, const IpAddress& address,
                                              std::uint32_t interface);
// Nothing where the kernel does not tell.
std::optional<NeighbourState> neighbour_state(const IpAddress& address, std::uint32_t interface);

}  // namespace tocsin::net
