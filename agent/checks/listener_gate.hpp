// When the list of TCP listeners must be read again between two runs (procedure M-07). Pure.
#pragma once

#include <optional>

#include "agent/os/socket_counts.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

// A cheap look sees how many sockets there are and whether one ended. A new listener moves the
// number, unless another socket ended since the look before; of that the kernel tells an event, in
// which case the list is read too. What remains is a listener that takes another's place where the
// kernel tells no such events: there the list is read every kListAgain in any case, and finds it
// then. Where it does, a rarer look is for what nobody thought of.
class ListenerGate {
 public:
  static constexpr Duration kListAgain = 1s;
  static constexpr Duration kListAgainTold = 5s;

  // `counts`: as of now; nothing where they could not be read, and then the list always is.
  // `ended`: the kernel told since the look before that a socket ended, or that it could not tell
  // of all; nothing where it tells no such events.
  bool must_list(const std::optional<os::SocketCounts>& counts, std::optional<bool> ended,
                 MonoTime now) const;
  // The list was read. `counts` are from before that: what came between them and the list counts
  // as a change at the next look, and is none.
  void listed(const std::optional<os::SocketCounts>& counts, MonoTime now);

 private:
  std::optional<os::SocketCounts> counts_;
  std::optional<MonoTime> listed_at_;
};

}  // namespace tocsin::agent
