// The only way to ask what time it is. Core code takes the time as an argument; adapters take a
// TimeSource, so that tests can run a week in a second. Waiting uses a steady clock, stamping the
// wall.
#pragma once

#include "common/base/instant.hpp"

namespace tocsin::time {

// Thread-safe.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  virtual Instant wall() const = 0;
  virtual MonoTime steady() const = 0;  // CLOCK_BOOTTIME: never steps, counts suspend
};

class SystemTime final : public TimeSource {
 public:
  Instant wall() const override;
  MonoTime steady() const override;
};

}  // namespace tocsin::time
