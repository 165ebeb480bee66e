// What the kernel itself knows of a neighbour (rtnetlink, RTM_GETNEIGH): for a process that may not
// ask by ARP or neighbour discovery. Needs no privilege.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/net/ip.hpp"

namespace tocsin::net {

enum class NeighbourState : std::uint8_t {
  absent,   // the kernel does not know it
  gone,     // it was asked and did not answer
  pending,  // being asked, or it answered too long ago to tell
  fixed,    // written by hand, or needs no asking: the kernel never asks and cannot say
  there,    // it answered a moment ago
};

// The state of `address` in a part of the kernel's answer; nothing where it is not in it.
// `interface`: the only one that counts; 0: any. `moment`: an answer older than this does not
// count, because the kernel believes in one for up to 45 s. Pure.
std::optional<NeighbourState> parse_neighbour(std::string_view messages, const IpAddress& address,
                                              std::uint32_t interface, Duration moment);
// Nothing where the kernel does not tell.
std::optional<NeighbourState> neighbour_state(const IpAddress& address, std::uint32_t interface,
                                              Duration moment);

}  // namespace tocsin::net
