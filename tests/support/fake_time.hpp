// A clock that a test moves by hand.
#pragma once

#include <atomic>

#include "common/time/time_source.hpp"

namespace tocsin::tests {

// Thread-safe. Starts at 2026-11-22 10:00:00 UTC, with an unrelated steady clock.
class FakeTime final : public time::TimeSource {
 public:
  Instant wall() const override { return Instant{wall_.load()}; }
  MonoTime steady() const override { return MonoTime{steady_.load()}; }

  // Time passes: both clocks go on, the wall clock faster or slower by the drift.
  void advance(Duration by) {
    steady_ += static_cast<std::uint64_t>(by.count());
    wall_ += by.count() + by.count() / 1'000'000 * drift_ppm_;
  }
  // Of the wall clock against the steady one, in millionths.
  void set_drift(std::int64_t ppm) { drift_ppm_ = ppm; }
  // Somebody sets the wall clock; the steady one does not notice.
  void set_wall(Instant to) { wall_ = to.ns; }
  void step_wall(Duration by) { wall_ += by.count(); }
  void set_steady(MonoTime to) { steady_ = to.ns; }

 private:
  std::atomic<std::int64_t> wall_{1'795'341'600'000'000'000};
  std::atomic<std::uint64_t> steady_{1'000'000'000'000};
  std::atomic<std::int64_t> drift_ppm_{0};
};

}  // namespace tocsin::tests
