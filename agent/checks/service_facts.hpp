// A systemd unit's state as facts (procedure M-03). Pure.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "agent/os/systemd.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// What systemd restarted by itself lately. It counts since the unit was last started by somebody,
// and that count begins at 0 again, so what matters is what was added between two looks.
class RecentRestarts {
 public:
  // How many there were in the last kRestartsWindow, as far as they were seen.
  std::uint32_t look(std::uint32_t restarts, MonoTime now);

 private:
  std::optional<std::uint32_t> last_;
  std::deque<MonoTime> seen_;
};
inline constexpr Duration kRestartsWindow = 10min;

// `at`: now, by the clock of the unit's own times.
model::ServiceFacts service_facts(const std::string& unit, const os::UnitProperties& properties,
                                  std::uint32_t recent_restarts, Instant at);

}  // namespace tocsin::agent
