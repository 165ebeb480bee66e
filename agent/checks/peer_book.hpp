// Who was connected to what, remembered for a while (procedure M-08): what a look at the socket
// table sees, and what ended between two looks. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "agent/os/sock_diag.hpp"
#include "common/base/instant.hpp"
#include "common/base/limits.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// One row for each local service, or remote service, and remote prefix; of local ports that have to
// be exact one for each address, and for each prefix once there are kExactSources of them. Rows are
// bounded, what does not fit is counted. A row is forgotten ten minutes after the last connection
// it counted, so that a source that comes and goes is one row and not many changes.
class PeerBook {
 public:
  using Service = std::pair<model::Protocol, std::uint16_t>;
  using Services = std::set<Service>;
  static constexpr std::size_t kExactSources = 128;  // addresses of one service
  static constexpr std::size_t kExactRows = limits::kPeers / 2;

  // From now on addresses are kept for these local ports, as in CheckDefinition::exact_sources;
  // what was counted by network stays so until it is forgotten. True: these are other ports than
  // before.
  bool be_exact_about(const std::string& ports);

  // A look at the table: the connections that are there now.
  void look(std::span<const os::Socket> connections, const Services& services, MonoTime now,
            Instant wall);
  // Connections that ended since.
  void ended(std::span<const os::Socket> connections, const Services& services, MonoTime now,
             Instant wall);

  // Inbound rows first, so that the limit drops outbound ones before them; what is left out is
  // counted in peers_over_limit.
  void put(model::SocketsFacts& facts) const;

 private:
  // Protocol, outbound, local service, remote service, remote prefix or address.
  using Key = std::tuple<model::Protocol, bool, std::uint16_t, std::uint16_t, std::string>;
  struct Row {
    std::uint32_t open = 0;   // at the last look
    std::uint32_t ended = 0;  // since the row is kept
    MonoTime last_seen;
    Instant first;
    Instant last;
    bool exact = false;  // of an address
  };
  bool has_room_for_exact(const Service& service) const;
  void forget(MonoTime now);
  Row* row_of(const os::Socket& socket, const Services& services, MonoTime now, Instant wall);

  std::map<Key, Row> rows_;
  std::string exact_ports_;
  std::set<std::uint16_t> exact_;
  std::map<Service, std::size_t> exact_of_;  // rows of addresses
  std::size_t exact_rows_ = 0;
  std::uint32_t over_limit_ = 0;  // connections without a row since the last look
};

}  // namespace tocsin::agent
