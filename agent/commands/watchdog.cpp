#include "agent/commands/watchdog.hpp"

#include <condition_variable>
#include <mutex>

#include "common/systemd/notify.hpp"

namespace tocsin::agent {
namespace {

void watch(const std::stop_token& stop, const CountingTime& time, Duration pace) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  std::uint64_t before = time.asked();
  while (!stop.stop_requested()) {
    changed.wait_for(lock, stop, pace, [] { return false; });
    const std::uint64_t now = time.asked();
    if (now != before) systemd::notify_watchdog();
    before = now;
  }
}

}  // namespace

Watchdog::Watchdog(const CountingTime& time) {
  const Duration pace = systemd::watchdog_interval();
  if (pace == Duration::zero()) return;
  thread_ = std::jthread([&time, pace](const std::stop_token& stop) { watch(stop, time, pace); });
}

}  // namespace tocsin::agent
