#include "agent/checks/listener_gate.hpp"

namespace tocsin::agent {

bool ListenerGate::must_list(const std::optional<os::SocketCounts>& counts,
                             std::optional<bool> ended, MonoTime now) const {
  if (ended.value_or(false) || !counts || counts != counts_) return true;
  return !listed_at_ || now - *listed_at_ >= (ended ? kListAgainTold : kListAgain);
}

void ListenerGate::listed(const std::optional<os::SocketCounts>& counts, MonoTime now) {
  counts_ = counts;
  listed_at_ = now;
}

}  // namespace tocsin::agent
