#include "agent/actions/restart_limits.hpp"

#include <algorithm>

#include "agent/os/number.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kDay = 24h;
constexpr std::size_t kMostAttempts = 16;

bool within(Instant attempt, Instant now, Duration span) { return now - attempt < span; }

}  // namespace

std::vector<Instant> parse_attempts(std::string_view text, Instant now) {
  std::vector<Instant> attempts;
  while (!text.empty() && attempts.size() < kMostAttempts) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    Instant attempt;
    attempts.push_back(os::read_stamp(line, attempt) ? attempt : now);
  }
  if (!text.empty()) attempts.push_back(now);
  return attempts;
}

std::string print_attempts(const std::vector<Instant>& attempts, Instant now) {
  std::vector<Instant> kept;
  for (const Instant attempt : attempts) {
    if (within(attempt, now, kDay)) kept.push_back(attempt);
  }
  kept.push_back(now);
  std::string text;
  for (const Instant attempt : kept) text += std::to_string(attempt.ns) + "\n";
  return text;
}

const RestartSettings* restart_settings(const ActionSettings& settings, std::string_view unit) {
  const auto found = std::find_if(settings.restart.begin(), settings.restart.end(),
                                  [&](const RestartSettings& r) { return r.unit == unit; });
  return found == settings.restart.end() ? nullptr : &*found;
}

std::optional<model::Message> refuse_restart(const ActionSettings& settings,
                                             const std::string& unit,
                                             const std::vector<Instant>& attempts, Instant now) {
  const model::Parameter name{"unit", clean_text(unit, limits::kName)};
  if (restart_settings(settings, unit) == nullptr) return {{"action.not_allowed", {name}}};
  if (settings.maintenance) return {{"action.maintenance", {name}}};
  const auto tried = [&](Duration span) {
    return static_cast<std::size_t>(
        std::count_if(attempts.begin(), attempts.end(),
                      [&](Instant attempt) { return within(attempt, now, span); }));
  };
  if (tried(kRestartEvery) > 0) {
    return {{"action.too_soon", {name, {"minutes", std::to_string(kRestartEvery / 1min)}}}};
  }
  if (tried(kDay) >= kRestartsADay) {
    return {{"action.too_often", {name, {"count", std::to_string(kRestartsADay)}}}};
  }
  return std::nullopt;
}

}  // namespace tocsin::agent
