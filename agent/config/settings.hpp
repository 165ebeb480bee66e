// What the host's own file says about single checks: where a scanner listens, which plugins there
// are, which addresses may be probed. The collector never sets any of it. Plain values, each with
// the default that holds where the file says nothing.
#pragma once

#include <string>
#include <vector>

namespace tocsin::agent {

// A service that may be restarted on this host (procedure M-03).
struct RestartSettings {
  std::string unit;
  bool automatic = false;  // once by the agent itself when it failed, not only when a person asks
  friend bool operator==(const RestartSettings&, const RestartSettings&) = default;
};
struct ActionSettings {
  bool maintenance = false;  // somebody works on the host: nothing is done
  std::vector<RestartSettings> restart;
  friend bool operator==(const ActionSettings&, const ActionSettings&) = default;
};

struct HostSettings {
  ActionSettings actions;
  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

}  // namespace tocsin::agent
