#include "collector/enroll/peer_limiter.hpp"

namespace tocsin::collector {

bool PeerLimiter::allow(const std::string& peer, MonoTime now) {
  if (now - window_began_ >= limits_.window) {
    window_began_ = now;
    altogether_ = 0;
    tries_.clear();
  }
  const bool room = tries_.contains(peer) || tries_.size() < limits_.peers;
  if (!room || altogether_ >= limits_.altogether) {
    ++refused_;
    return false;
  }
  std::uint32_t& tries = tries_[peer];
  if (tries >= limits_.per_peer) {
    // Refused tries do not use up the common budget: one loud address must not lock out the others.
    ++refused_;
    return false;
  }
  ++tries;
  ++altogether_;
  return true;
}

}  // namespace tocsin::collector
