// Echo requests to one address (procedure M-01), by the best means this process may use: an ICMP
// datagram socket (no privilege, where ping_group_range allows it), a raw socket (CAP_NET_RAW),
// else a TCP connection to a known port. Parsers are pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"
#include "common/net/ip.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

// What makes an echo request ours: the kernel rewrites the identifier of datagram sockets, so every
// request carries 16 random bytes too.
struct EchoKey {
  std::uint16_t identifier = 0;
  bool identifier_is_ours = true;  // false on a datagram socket
  std::array<char, 16> nonce{};
};

// The bytes of one request; the kernel fills in the checksum of ICMPv6.
std::string echo_request(const EchoKey& key, std::uint16_t sequence, bool v6);

struct EchoAnswer {
  bool reply = false;  // else: destination unreachable
  std::uint16_t sequence = 0;
};
// Nothing where the packet does not answer a request of this key. `with_ip_header`: as IPv4 raw
// sockets give it.
std::optional<EchoAnswer> parse_echo(std::string_view packet, const EchoKey& key, bool v6,
                                     bool with_ip_header);

struct PingPlan {
  IpAddress address;
  int packets = 5;           // 1..20
  int tcp_port = 0;          // 0: no TCP
  Duration between = 400ms;  // mean; each gap is jittered by a quarter
  MonoTime deadline;         // everything is over by then
};
struct PingResult {
  model::PingMethod method = model::PingMethod::icmp_datagram;
  std::uint32_t sent = 0;
  std::uint32_t unreachable = 0;
  std::vector<Duration> round_trips;  // of those answered
};
// Errors: permission_denied (no means is allowed), unavailable (nothing could be sent),
// deadline_exceeded (stopped).
Result<PingResult> ping(const PingPlan& plan, const time::TimeSource& time, std::stop_token stop);
// Only by connecting to plan.tcp_port; a refusal is an answer too: somebody is there.
Result<PingResult> ping_tcp(const PingPlan& plan, const time::TimeSource& time,
                            std::stop_token stop);

}  // namespace tocsin::net
