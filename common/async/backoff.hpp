// How long to wait before trying again: doubled at each failure, with jitter, so that a thousand
// agents do not come back in the same moment. Pure; chance is passed in.
#pragma once

#include <cstdint>

#include "common/base/instant.hpp"

namespace tocsin::async {

class Backoff {
 public:
  // REQUIRES: 0 < first <= most.
  Backoff(Duration first, Duration most) : first_(first), most_(most), next_(first) {}

  // Between half and all of the wait that is due; `random` is any 64 random bits.
  Duration next(std::uint64_t random);
  // It worked: the next failure starts from the beginning.
  void reset() { next_ = first_; }

 private:
  Duration first_;
  Duration most_;
  Duration next_;
};

}  // namespace tocsin::async
