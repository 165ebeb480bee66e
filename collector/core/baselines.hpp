// Baselines that are proposed from what hosts showed, approved by a second person for a time, and
// replaced by their next version (procedure M-07, M-09, M-28). Who may is asked in commands.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"
#include "common/model/baseline.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

inline constexpr Duration kLongestWindow = 90 * 24h;
inline constexpr Duration kShortestApproval = 1min;
inline constexpr Duration kLongestApproval = 800 * 24h;

// How a command about a baseline ended.
struct BaselineAnswer {
  model::CommandOutcome outcome = model::CommandOutcome::done;
  model::Message detail;
  std::uint64_t revision = 0;
  model::Principal conflict_with{};
  Judged judged{};
};

// Replaces an earlier proposal for the same host or group.
BaselineAnswer propose_baseline(Context& context, const model::Command& command,
                                const model::ProposeBaseline& act);
// By another person than who proposed it; from now on its hosts are judged by it.
BaselineAnswer approve_baseline(Context& context, const model::Command& command,
                                const model::ApproveBaseline& act);
BaselineAnswer reject_baseline(Context& context, const model::Command& command,
                               const model::RejectBaseline& act);

// "baseline/42": an approval ends soon, or has ended. nullopt where the key is another.
std::optional<Judged> fire_baseline_timer(Context& context, std::string_view key);

// The baseline by which a host of this name is judged now, or nullptr.
const model::Baseline* baseline_in_force(Context& context, const std::string& host);

}  // namespace tocsin::collector
