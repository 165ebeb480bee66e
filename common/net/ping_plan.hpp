// Whom to ask whether he is there, and what came of it. Plain values.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/instant.hpp"
#include "common/model/facts.hpp"
#include "common/net/ip.hpp"

namespace tocsin::net {

struct PingPlan {
  IpAddress address;
  std::uint32_t interface = 0;  // to leave by, where the address is link-local; 0: none is named
  int packets = 5;              // 1..20, each sent whatever came of those before
  int again = 0;                // 0..3 more, one after the other, where nothing at all answers
  int tcp_port = 0;             // 0: no TCP
  Duration between = 400ms;     // of packets; each gap is jittered by a quarter
};

// What the network said instead of an answer.
enum class Refusal : std::uint8_t {
  none,
  no_route,     // nobody on the way knows where that is
  unreachable,  // the last router does not find the host
  prohibited,   // somebody on the way forbids it
};

struct PingResult {
  model::PingMethod method = model::PingMethod::icmp_datagram;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::uint32_t unreachable = 0;    // packets that were refused
  Refusal refusal = Refusal::none;  // the last one
  int send_error = 0;               // errno, where this machine itself could not send
  Duration shortest{};              // round trips, where anything was received
  Duration longest{};
  Duration sum{};

  void add(Duration round_trip) {
    shortest = received == 0 ? round_trip : std::min(shortest, round_trip);
    longest = std::max(longest, round_trip);
    sum += round_trip;
    ++received;
  }
};

}  // namespace tocsin::net
