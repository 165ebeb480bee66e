// Is a port free? Asked of the kernel in the one way that nothing can hide from without breaking
// what it hides: by taking it, on every address of both families, for some microseconds.
//
// Nobody is disturbed by it. The socket never listens, sends or connects, so nothing reaches a
// program through it, and it is closed at once. Over TCP it shares the port (SO_REUSEADDR): a
// listener refuses it all the same, and a service that starts at that very moment and shares too,
// as services do, gets its port. Over UDP sharing would make it blind, so there a service that
// binds in the same microseconds could be refused; who calls this tries ports seldom.
#pragma once

#include <cstdint>
#include <utility>

#include "common/base/result.hpp"
#include "common/model/facts.hpp"
#include "common/net/fd.hpp"

namespace tocsin::agent::os {

enum class BindTrial : std::uint8_t {
  free,
  taken,
  not_permitted,  // a privileged port, or a sandbox
  failed,
};
// In this network namespace. 6 to 9 us. Thread: any.
BindTrial try_bind(model::Protocol protocol, std::uint16_t port);

// From which port on this thread may bind: 1 with CAP_NET_BIND_SERVICE, else as the network
// namespace allows everybody (net.ipv4.ip_unprivileged_port_start). Reads two files of /proc.
std::uint16_t first_bindable_port();

// A TCP socket that is bound to a free port of the loopback address and does not listen.
class BoundSocket {
 public:
  // Errors: as the system says.
  static Result<BoundSocket> open();
  std::uint16_t port() const { return port_; }

 private:
  BoundSocket(net::Fd socket, std::uint16_t port) : socket_(std::move(socket)), port_(port) {}
  net::Fd socket_;
  std::uint16_t port_;
};

}  // namespace tocsin::agent::os
