// Whether a service may be restarted now (procedure M-03). Pure.
//
// A restart destroys what an investigator needs, uses up systemd's own limit of starts, and hides a
// fault that comes back. So it is one attempt, within what the host's own file allows, and the
// count outlives the agent.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.hpp"
#include "common/base/instant.hpp"
#include "common/model/message.hpp"

namespace tocsin::agent {

inline constexpr Duration kRestartEvery = 15min;
inline constexpr std::size_t kRestartsADay = 3;

// When the agent tried to restart a unit, as the spool keeps it: wall-clock nanoseconds, each on a
// line. What cannot be read, or is too much, counts as tried now: a damaged count never allows
// more.
std::vector<Instant> parse_attempts(std::string_view text, Instant now);
// Of those, what still counts, and `now`.
std::string print_attempts(const std::vector<Instant>& attempts, Instant now);

// The settings of a unit, or nullptr where the host's file does not name it.
const RestartSettings* restart_settings(const ActionSettings& settings, std::string_view unit);

// Why not, or nothing. An attempt that is noted in the future (the clock was set back) still
// counts.
std::optional<model::Message> refuse_restart(const ActionSettings& settings,
                                             const std::string& unit,
                                             const std::vector<Instant>& attempts, Instant now);

}  // namespace tocsin::agent
