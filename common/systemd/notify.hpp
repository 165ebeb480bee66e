// What a daemon tells its service manager. Without one (NOTIFY_SOCKET is not set) these do nothing.
// Thread-safe.
#pragma once

#include <string_view>

#include "common/base/instant.hpp"

namespace tocsin::systemd {

void notify_ready();
void notify_stopping();
// One line for `systemctl status`.
void notify_status(std::string_view text);
void notify_watchdog();
// How often to call notify_watchdog: half of what the unit's WatchdogSec= asks for; 0 where it asks
// for nothing.
Duration watchdog_interval();

}  // namespace tocsin::systemd
