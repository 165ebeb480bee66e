#include "common/rpc/peer_text.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::rpc {

std::string address_of_peer(std::string_view peer) {
  const std::size_t scheme = peer.find(':');
  if (scheme == std::string_view::npos) return clean_text(peer, limits::kName);
  const std::string_view kind = peer.substr(0, scheme);
  std::string_view rest = peer.substr(scheme + 1);
  if (kind == "ipv6") {
    for (const std::string_view open : {"%5B", "["}) {
      if (rest.starts_with(open)) rest.remove_prefix(open.size());
    }
    for (const std::string_view close : {"%5D", "]"}) {
      if (const auto end = rest.find(close); end != std::string_view::npos) {
        rest = rest.substr(0, end);
      }
    }
    return clean_text(rest, limits::kName);
  }
  if (kind == "ipv4") return clean_text(rest.substr(0, rest.rfind(':')), limits::kName);
  return clean_text(kind, limits::kName);
}

}  // namespace tocsin::rpc
