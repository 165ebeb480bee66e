// Ports that are taken while no table of the kernel lists who has them: a rootkit that filters both
// netlink and /proc still keeps its port (procedure M-07). Works on what it is given: the ways to
// try a port and to list sockets.
//
// A look tries a few ports that nobody listens on, in turn through all that may be bound, and those
// that somebody asked about, because they answered a scan from another host. What is taken is
// compared with all sockets, also those of connections and those that are bound and do not listen,
// listed before and after it is tried again. What is taken and unlisted three times one after the
// other is hidden; what is free or listed once is not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/os/sock_diag.hpp"
#include "agent/os/try_bind.hpp"
#include "common/base/result.hpp"
#include "common/model/facts.hpp"

namespace tocsin::agent {

struct PortWays {
  std::function<os::BindTrial(model::Protocol, std::uint16_t)> try_bind;
  // Every socket that has a port, in any state.
  std::function<Status(std::vector<os::Socket>&)> list_all;
  std::uint16_t first = 1;  // that may be bound: where the turn begins
};

class TakenPorts {
 public:
  static constexpr int kPasses = 3;
  static constexpr std::size_t kPortsALook = 32;  // of each protocol, in turn
  static constexpr std::size_t kSuspects = 64;    // followed at a time

  // `first`: the port that the turn begins with.
  explicit TakenPorts(std::uint16_t first = 1) : next_(first) {}

  // `listening`: what is listed as listening; `asked`: TCP ports that are tried whatever the turn.
  // `bound_is_listed`: the listing has sockets that are bound and do not listen; else one that is
  // taken may be such a socket.
  // Errors: as list_all; nothing follows from such a look.
  Status look(std::span<const os::Socket> listening, std::span<const std::uint16_t> asked,
              bool bound_is_listed, const PortWays& ways);

  // Something is taken and unlisted: worth another look soon.
  bool suspicious() const { return !seen_.empty(); }
  // Sorted.
  std::vector<model::HiddenListener> found() const;
  // Ports below this one are not tried in turn: they may not be bound.
  std::uint16_t tried_from() const { return first_; }
  // Taken in as many looks, on a kernel that does not list what may be benign.
  std::uint32_t unexplained() const;

 private:
  using Port = std::pair<model::Protocol, std::uint16_t>;
  struct Suspect {
    int passes = 0;
    bool may_be_bound = false;
  };
  std::vector<Port> candidates(std::span<const os::Socket> listening,
                               std::span<const std::uint16_t> asked);
  std::uint16_t next_;
  std::uint16_t first_ = 1;
  bool privileged_refused_ = false;  // whatever the capabilities say: another owns the namespace
  std::map<Port, Suspect> seen_;
};

}  // namespace tocsin::agent
