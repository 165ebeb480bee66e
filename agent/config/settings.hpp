// What the host's own file says about single checks: where a scanner listens, which plugins there
// are, which addresses may be probed. The collector never sets any of it. Plain values, each with
// the default that holds where the file says nothing.
#pragma once

namespace tocsin::agent {

struct HostSettings {
  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

}  // namespace tocsin::agent
