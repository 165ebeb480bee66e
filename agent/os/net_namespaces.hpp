// The network namespaces of a host beside the one the agent is in: what listens in a container, or
// in a namespace that somebody made to hide a listener in.
//
// Nothing is entered (that would take CAP_SYS_ADMIN): /proc/PID/net shows the sockets of the
// namespace that a process is in, and to see which one that is takes no more than the agent has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/os/procfs.hpp"

namespace tocsin::agent::os {

struct NetworkNamespace {
  std::uint64_t inode = 0;  // what tells one from another, until it is made anew
  std::uint32_t pid = 0;    // of the lowest process in it
  // What it is called, the same after a restart: the name under /run/netns, else the systemd unit
  // of that process, else "?". Raw, as the host gave it.
  std::string name;
};

struct NetworkNamespaces {
  std::vector<NetworkNamespace> others;  // by name, then inode
  std::uint32_t not_permitted = 0;       // processes whose namespace could not be seen
  std::uint32_t empty = 0;  // of /run/netns without a process: their sockets cannot be seen
};

// About 3 us a process. Errors: not_found where there is no /proc.
Result<NetworkNamespaces> other_network_namespaces(const ProcReader& proc, const std::string& root);

}  // namespace tocsin::agent::os
