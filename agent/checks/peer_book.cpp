#include "agent/checks/peer_book.hpp"

#include <vector>

#include "common/base/limits.hpp"
#include "common/model/ports.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kRemembered = 10min;
constexpr std::size_t kRows = 4 * limits::kPeers;

}  // namespace

bool PeerBook::be_exact_about(const std::string& ports) {
  if (ports == exact_ports_) return false;
  exact_ports_ = ports;
  const auto listed = model::parse_ports(ports).value_or(std::vector<std::uint16_t>());
  exact_ = std::set<std::uint16_t>(listed.begin(), listed.end());
  return true;
}

void PeerBook::forget(MonoTime now) {
  for (auto row = rows_.begin(); row != rows_.end();) {
    if (now - row->second.last_seen < kRemembered) {
      ++row;
      continue;
    }
    if (row->second.exact) {
      --exact_of_[{std::get<0>(row->first), std::get<2>(row->first)}];
      --exact_rows_;
    }
    row = rows_.erase(row);
  }
  std::erase_if(exact_of_, [](const auto& service) { return service.second == 0; });
}

bool PeerBook::has_room_for_exact(const Service& service) const {
  const auto known = exact_of_.find(service);
  return exact_rows_ < kExactRows && (known == exact_of_.end() || known->second < kExactSources);
}

void PeerBook::look(std::span<const os::Socket> connections, const Services& services, MonoTime now,
                    Instant wall) {
  over_limit_ = 0;
  forget(now);
  for (auto& [key, row] : rows_) row.open = 0;
  for (const os::Socket& socket : connections) {
    if (Row* row = row_of(socket, services, now, wall)) ++row->open;
  }
}

void PeerBook::ended(std::span<const os::Socket> connections, const Services& services,
                     MonoTime now, Instant wall) {
  for (const os::Socket& socket : connections) {
    Row* row = row_of(socket, services, now, wall);
    if (row == nullptr) continue;
    ++row->ended;
    if (row->open > 0) --row->open;
  }
}

// nullptr: not a connection with another host, or no room.
PeerBook::Row* PeerBook::row_of(const os::Socket& socket, const Services& services, MonoTime now,
                                Instant wall) {
  if (socket.remote_port == 0) return nullptr;  // A listener that was closed.
  if (net::classify(socket.remote) == model::AddressClass::loopback) return nullptr;
  if (socket.remote == net::unmapped(socket.local)) return nullptr;
  const bool inbound = services.contains({socket.protocol, socket.local_port});
  const std::uint16_t local = inbound ? socket.local_port : std::uint16_t{0};
  const std::uint16_t remote = inbound ? std::uint16_t{0} : socket.remote_port;
  Key key{socket.protocol, !inbound, local, remote, {}};
  bool exact = inbound && exact_.contains(local);
  std::get<4>(key) =
      exact ? net::to_string(net::unmapped(socket.remote)) : net::prefix_of(socket.remote);
  auto known = rows_.find(key);
  if (exact && known == rows_.end() && !has_room_for_exact({socket.protocol, local})) {
    exact = false;
    std::get<4>(key) = net::prefix_of(socket.remote);
    known = rows_.find(key);
  }
  if (known == rows_.end() && rows_.size() >= kRows) {
    ++over_limit_;
    return nullptr;
  }
  Row& row = known != rows_.end() ? known->second : rows_[std::move(key)];
  if (known == rows_.end()) {
    row.first = wall;
    row.exact = exact;
    if (exact) {
      ++exact_of_[{socket.protocol, local}];
      ++exact_rows_;
    }
  }
  row.last = wall;
  row.last_seen = now;
  return &row;
}

void PeerBook::put(model::SocketsFacts& facts) const {
  facts.peers_over_limit = over_limit_;
  // Of all protocols the inbound rows, then the outbound ones.
  for (const bool wanted_outbound : {false, true}) {
    for (const auto& [key, row] : rows_) {
      const auto& [protocol, outbound, local, remote, prefix] = key;
      if (outbound != wanted_outbound) continue;
      if (!outbound && !row.exact && exact_.contains(local)) ++facts.sources_not_exact;
      if (facts.peers.size() == limits::kPeers) {
        ++facts.peers_over_limit;
        continue;
      }
      facts.peers.push_back(
          {protocol, local, !outbound, prefix, remote, row.open + row.ended, row.first, row.last});
    }
  }
}

}  // namespace tocsin::agent
