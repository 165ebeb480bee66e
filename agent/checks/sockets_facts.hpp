// What is listening and who is connected, as facts a person can read (procedure M-07, M-08). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/checks/peer_book.hpp"
#include "agent/os/sock_diag.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// A program that has a socket open. Text is raw, as the host gave it.
struct SocketOwner {
  std::uint32_t process_id = 0;
  std::string executable;  // without the kernel's " (deleted)"
  model::Tristate deleted = model::Tristate::unknown;
  model::Tristate world_writable = model::Tristate::unknown;
  std::string unit;
  model::ProgramFile file{};
};

struct SeenListener {
  os::Socket socket;
  std::string user;                    // of socket.uid
  std::vector<SocketOwner> owners;     // empty: could not be seen
  std::string network_namespace = {};  // empty: the one that the agent is in
};

// One Listener for each network namespace, protocol, address, port, executable, user and unit:
// several processes and several sockets (SO_REUSEPORT) of the same key are one. Sorted by that key.
// `peers` as the book has them. Past a limit of common/base/limits.hpp rows are counted, the first
// in order stay.
model::SocketsFacts sockets_facts(std::span<const SeenListener> listeners, const PeerBook& peers);

// The local services among these: what a connection to is inbound.
PeerBook::Services services_of(std::span<const os::Socket> listening);

// Separates "/tmp/x (deleted)" into the path and whether the kernel marked it.
struct ExecutableLink {
  std::string path;
  bool deleted = false;
};
ExecutableLink parse_executable_link(const std::string& link);

}  // namespace tocsin::agent
