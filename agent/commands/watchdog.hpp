// Tells the service manager that the process makes progress, not merely that it lives.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "common/time/time_source.hpp"

namespace tocsin::agent {

// The clocks of another source, and how often the thread that made this one asked: that of the
// loop, which asks for no time when it is stuck, whatever the checks' own threads do.
class CountingTime final : public time::TimeSource {
 public:
  explicit CountingTime(const time::TimeSource& inner) : inner_(inner) {}
  Instant wall() const override {
    count();
    return inner_.wall();
  }
  MonoTime steady() const override {
    count();
    return inner_.steady();
  }
  std::uint64_t asked() const { return asked_; }

 private:
  void count() const {
    if (std::this_thread::get_id() == loop_) ++asked_;
  }

  const time::TimeSource& inner_;
  const std::thread::id loop_ = std::this_thread::get_id();
  mutable std::atomic<std::uint64_t> asked_ = 0;
};

// While it lives: at the pace that the service manager asks for, a watchdog message if the time was
// asked for since the last one. Without a watchdog it does nothing. `time` must outlive it.
class Watchdog {
 public:
  explicit Watchdog(const CountingTime& time);

 private:
  std::jthread thread_;
};

}  // namespace tocsin::agent
