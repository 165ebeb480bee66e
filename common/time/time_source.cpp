#include "common/time/time_source.hpp"

#include <time.h>

#include "common/base/result.hpp"

namespace tocsin::time {
namespace {

std::int64_t read(clockid_t clock) {
  timespec now{};
  TOCSIN_CHECK(clock_gettime(clock, &now) == 0);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Instant SystemTime::wall() const { return Instant{read(CLOCK_REALTIME)}; }
MonoTime SystemTime::steady() const {
  return MonoTime{static_cast<std::uint64_t>(read(CLOCK_BOOTTIME))};
}

}  // namespace tocsin::time
