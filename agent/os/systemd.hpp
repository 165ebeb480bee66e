// A unit's properties from systemd over D-Bus. Reads only; every wait has the caller's deadline.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// As systemd names them; text is raw.
struct UnitProperties {
  std::string load_state;
  std::string active_state;
  std::string sub_state;
  Instant state_change;  // wall clock
  bool job_pending = false;
  // Of services only; empty and 0 for other units.
  std::string type;
  bool remain_after_exit = false;
  std::string result;
  std::uint32_t restarts = 0;
  std::uint32_t main_pid = 0;
  std::int32_t exit_status = 0;
  std::string program;  // that its first ExecStart names
};

// True where systemd is the init system of the host (sd_booted).
bool systemd_runs(std::string_view root);
// A name systemd accepts: "ssh.service", "user@1000.service"; at most 255 bytes.
bool valid_unit_name(std::string_view name);

// Asks the system bus of the host. Waits at most `limit` in all. Errors: not_found (no bus),
// permission_denied, deadline_exceeded, unavailable (the bus ended).
Result<UnitProperties> unit_properties(const std::string& unit, std::string_view root,
                                       Duration limit);

// Lets time pass between two questions. At most a second.
void pause(Duration span);

// Asks systemd to restart a unit, as `systemctl restart` does, and waits until the unit is at rest:
// what it is then. systemd keeps its own limit of starts; this never lifts it. Errors: as above,
// and what systemd says, with its words; deadline_exceeded also where the unit still changes.
Result<UnitProperties> restart_unit(const std::string& unit, std::string_view root, Duration limit,
                                    std::stop_token stop);

}  // namespace tocsin::agent::os
