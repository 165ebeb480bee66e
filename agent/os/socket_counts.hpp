// How many TCP sockets this network namespace has, from the kernel's own counters: what a look
// costs that only tells whether something changed is a third of the list of listeners.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// Each new listener or connection counts one up, each that ends one down: the same numbers may be
// other sockets.
struct SocketCounts {
  std::uint64_t tcp = 0;        // over IPv4, listeners too
  std::uint64_t tcp6 = 0;       // over IPv6
  std::uint64_t time_wait = 0;  // of both
  friend bool operator==(const SocketCounts&, const SocketCounts&) = default;
};
// The text of /proc/net/sockstat and of sockstat6, which is empty where there is no IPv6. Nothing
// where it is not of that form.
std::optional<SocketCounts> parse_socket_counts(std::string_view sockstat,
                                                std::string_view sockstat6);

// Asks again and again with the same two open files. Thread: one at a time.
class SocketCounter {
 public:
  // Of the network namespace that the calling thread is in. Errors: not_found, permission_denied.
  static Result<SocketCounter> open();
  // About 4 us, 20 where the processor has done something else since. While the number of all
  // sockets of the namespace stays the same, every second read takes the count of IPv6 from the one
  // before: a socket that was made long ago and begins to listen now is counted one read later.
  Result<SocketCounts> read();

 private:
  SocketCounter(Fd v4, Fd v6) : v4_(std::move(v4)), v6_(std::move(v6)) {}
  bool may_skip_v6(std::string_view sockstat);
  Fd v4_;
  Fd v6_;                              // not valid where the kernel has no IPv6
  std::optional<std::uint64_t> used_;  // sockets of every kind
  unsigned unchanged_ = 0;             // reads since that number moved
  std::uint64_t tcp6_ = 0;             // as of the last look at it
};

}  // namespace tocsin::agent::os
