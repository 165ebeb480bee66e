// Whether the threads that everything passes through still go round, so that the service manager's
// watchdog is fed only while they do: a main loop that is alive says nothing of a judge that is
// not. Pure. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::collector {

// A part and how often its thread went round since the start. Idle threads go round too.
struct Turns {
  std::string part;
  std::uint64_t count = 0;
};

class Liveness {
 public:
  // `patience`: how long a part may take for one round.
  explicit Liveness(Duration patience) : patience_(patience) {}

  // The parts that have not gone round for longer than that. What is asked about for the first time
  // counts as having gone round now.
  std::vector<std::string> stuck(const std::vector<Turns>& turns, MonoTime now);

 private:
  struct Seen {
    std::uint64_t count = 0;
    MonoTime at;
  };
  const Duration patience_;
  std::map<std::string, Seen> seen_;
};

}  // namespace tocsin::collector
