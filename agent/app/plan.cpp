#include "agent/app/plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/model/ports.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kShortest = 100ms;
constexpr Duration kLongestInterval = 24h;
constexpr Duration kLongestDeadline = 10min;

// Is `path` below one of the folders, without a way out?
bool lies_in(const std::string& path, const std::vector<std::string>& folders) {
  if (path.find("/../") != std::string::npos || path.ends_with("/..")) return false;
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return path.starts_with(folder.ends_with('/') ? folder : folder + "/");
  });
}

bool is_allowed(const ObserverConfig& config, const model::CheckRef& check) {
  const auto& kinds = config.allow;
  if (std::find(kinds.begin(), kinds.end(), check.kind) == kinds.end()) return false;
  const bool reads_log =
      check.kind == model::CheckKind::audit_log || check.kind == model::CheckKind::warnings;
  return !reads_log || check.target == "journal" || lies_in(check.target, config.log_folders);
}

model::Message refusal(const model::CheckRef& check) {
  return {"agent.check_not_allowed",
          {{"check", clean_text(model::to_string(check), limits::kText)}}};
}

// The host's own definition wins; more exact sources only divide what it tells anyway.
void add_details(const model::CheckDefinition& assigned, model::CheckDefinition& own) {
  if (assigned.exact_sources.empty()) return;
  own.exact_sources = model::merged_ports(own.exact_sources, assigned.exact_sources);
}

Duration within(Duration width, std::uint64_t random) {
  if (width <= 0s) return 0s;
  return Duration(static_cast<std::int64_t>(random % static_cast<std::uint64_t>(width.count())));
}

}  // namespace

model::CheckDefinition bounded(model::CheckDefinition check, Duration min_interval) {
  const Duration shortest = std::clamp(min_interval, kShortest, kLongestInterval);
  check.interval = std::clamp(check.interval, shortest, kLongestInterval);
  check.deadline = std::clamp(check.deadline, kShortest, kLongestDeadline);
  return check;
}

CheckPlan plan_checks(const ObserverConfig& config,
                      const std::vector<model::CheckDefinition>& assigned) {
  std::map<model::CheckRef, model::CheckDefinition> chosen;
  for (const model::CheckDefinition& check : config.checks) {
    if (chosen.size() == limits::kChecks) break;
    chosen.try_emplace(check.check, bounded(check, kShortest));
  }
  CheckPlan plan;
  std::map<model::CheckRef, model::CheckDefinition> refused;
  for (const model::CheckDefinition& check : assigned) {
    const auto known = chosen.find(check.check);
    if (known != chosen.end()) add_details(check, known->second);
    if (known != chosen.end() || check.details_only) continue;
    const bool allowed = is_allowed(config, check.check);
    if (allowed && chosen.size() == limits::kChecks) {
      ++plan.too_many;
    } else {
      (allowed ? chosen : refused).try_emplace(check.check, bounded(check, config.min_interval));
    }
  }
  // A refusal takes no place from a check that runs.
  for (auto& [ref, check] : refused) {
    if (chosen.size() + plan.refused.size() == limits::kChecks) {
      ++plan.too_many;
    } else {
      plan.refused.push_back({std::move(check), refusal(ref)});
    }
  }
  for (auto& [ref, check] : chosen) plan.checks.push_back(std::move(check));
  return plan;
}

bool request_allowed(const ObserverConfig& config, const model::CheckRef& check) {
  return is_allowed(config, check) ||
         std::any_of(config.checks.begin(), config.checks.end(),
                     [&](const model::CheckDefinition& own) { return own.check == check; });
}

MonoTime first_run(MonoTime now, Duration interval, std::uint64_t random) {
  return now + within(std::min<Duration>(interval, 1s), random);
}

MonoTime next_run(MonoTime due, Duration interval, MonoTime now, std::uint64_t random) {
  const Duration slack = interval / 20;
  const MonoTime regular = due + interval;
  const MonoTime from = regular > now ? regular : now + interval;
  return from + within(2 * slack, random) + -slack;
}

}  // namespace tocsin::agent
