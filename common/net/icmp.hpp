// Echo requests, and what may come back (procedure M-01): their bytes. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/net/ip.hpp"
#include "common/net/ping_plan.hpp"

namespace tocsin::net {

// What makes an echo request ours: a random identifier, and random bytes in every request.
struct EchoKey {
  std::uint16_t identifier = 0;
  std::array<char, 16> nonce{};
};

inline constexpr std::size_t kEchoBytes = 8 + 16 + 4;  // header, nonce, serial
using EchoBytes = std::array<char, kEchoBytes>;

// One request. `serial` counts the requests of a key and, unlike `sequence`, never wraps. The
// kernel fills in the checksum of ICMPv6.
EchoBytes echo_request(const EchoKey& key, std::uint32_t serial, std::uint16_t sequence, bool v6);

struct EchoAnswer {
  Refusal refusal = Refusal::none;  // none: a reply
  std::uint16_t sequence = 0;
  std::optional<std::uint32_t> serial;  // of a refusal only where so much was quoted
  IpAddress asked;                      // of a refusal: where the request went
  friend bool operator==(const EchoAnswer&, const EchoAnswer&) = default;
};
// Nothing where the packet does not answer a request of this key; a reply gives back every byte of
// its request, so one that is cut short is none. `with_ip_header`: as IPv4 raw sockets give it.
std::optional<EchoAnswer> parse_echo(std::string_view packet, const EchoKey& key, bool v6,
                                     bool with_ip_header);
// A request as the kernel's error queue gives it back; `asked` and `refusal` stand beside it there.
std::optional<EchoAnswer> parse_refused_echo(std::string_view request, const EchoKey& key, bool v6);

// What an ICMP message of this type and code says of the request that it answers.
Refusal refusal_of(bool v6, std::uint8_t type, std::uint8_t code);

}  // namespace tocsin::net
