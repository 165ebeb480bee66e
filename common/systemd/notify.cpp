#include "common/systemd/notify.hpp"

#include <cstdint>
#include <string>

#include <systemd/sd-daemon.h>

#include "common/base/text.hpp"

namespace tocsin::systemd {

// That nobody listens is no error of ours, hence no result is looked at.
void notify_ready() { sd_notify(0, "READY=1"); }
void notify_stopping() { sd_notify(0, "STOPPING=1"); }
void notify_watchdog() { sd_notify(0, "WATCHDOG=1"); }

void notify_status(std::string_view text) {
  sd_notify(0, ("STATUS=" + clean_text(text, 256)).c_str());
}

Duration watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return Duration::zero();
  return std::chrono::microseconds(microseconds / 2);
}

}  // namespace tocsin::systemd
