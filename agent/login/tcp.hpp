// A TCP connection to a host and the first line it says, within a time.
#pragma once

#include <string>
#include <vector>

#include <sys/socket.h>

#include "agent/os/files.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/model/facts.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

struct PeerAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
};
// Errors: invalid_argument (no host:port), not_found (the name is not known).
Result<std::vector<PeerAddress>> look_up(const std::string& endpoint);

struct TcpEnd {
  os::Fd socket;        // invalid: not connected
  std::string own_end;  // "address:port"
  std::string banner;   // without its line end; empty: none came
  model::LoginOutcome outcome = model::LoginOutcome::succeeded;
  std::string said;
};
// Tries the addresses in turn. Connected with a banner, nothing has been read from the socket.
TcpEnd connect_and_wait_for_banner(const std::vector<PeerAddress>& addresses, MonoTime deadline,
                                   const time::TimeSource& time);

}  // namespace tocsin::agent
