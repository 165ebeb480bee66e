// How often strangers may try: a budget for each address and one for all together. Pure but for its
// own counts; the time is an argument. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "common/base/instant.hpp"

namespace tocsin::collector {

struct PeerLimits {
  std::uint32_t per_peer = 10;     // tries in `window`
  std::uint32_t altogether = 300;  // tries in `window`
  Duration window = 1min;
  std::size_t peers = 4096;  // remembered at once; more are refused until a window ends
};

class PeerLimiter {
 public:
  explicit PeerLimiter(PeerLimits limits) : limits_(limits) {}

  // Counts one try of `peer` and says whether it may go on.
  bool allow(const std::string& peer, MonoTime now);
  std::uint64_t refused() const { return refused_; }
  std::size_t remembered() const { return tries_.size(); }

 private:
  const PeerLimits limits_;
  MonoTime window_began_;
  std::uint32_t altogether_ = 0;
  std::map<std::string, std::uint32_t> tries_;
  std::uint64_t refused_ = 0;
};

}  // namespace tocsin::collector
