// How a host fares. A low value is a sign, a full disk or exhausted memory a hindrance. The facts
// change in steps of one hundredth (agent/checks/metrics_facts), so a value that stands at its
// limit opens a finding once and not at every look.
#include <cstdlib>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::Tristate;

bool at_least(std::uint32_t permille, int limit) {
  return static_cast<std::int64_t>(permille) >= limit;
}

// What the two resources of a disk are called when they are low, and when they are full.
struct Codes {
  const char* low;
  const char* full;
};
constexpr Codes kSpace{"disk.space_low", "disk.space_full"};
constexpr Codes kInodes{"disk.inodes_low", "disk.inodes_full"};

void judge_share(const Codes& codes, const std::string& mount, std::uint32_t permille,
                 const model::MetricLimits& limits, Findings& findings) {
  const bool full = at_least(permille, limits.disk_full_permille);
  if (!full && !at_least(permille, limits.disk_low_permille)) return;
  const std::string code = full ? codes.full : codes.low;
  findings.add({code,
                subject_part(mount),
                {code, {said("mount", mount), said("percent", std::uint64_t{permille} / 10)}}},
               full ? 1 : 0);
}

// Of disks that are not listed nobody knows which are gone and which could not be looked at.
model::Unseen other_disks(const model::MetricsFacts& facts) {
  model::Unseen others{"disk.", model::Unseen::Subjects::but_these, {}};
  for (const model::FileSystemUse& one : facts.file_systems) {
    others.subjects.push_back(subject_part(one.mount));
  }
  return others;
}

void judge_memory(const model::MetricsFacts& facts, const model::MetricLimits& limits,
                  Findings& findings) {
  const bool known = facts.memory_known != Tristate::no;  // Earlier agents do not say.
  if (!known) findings.blind({"metrics.memory_unknown", {}}, only("memory.exhausted", "memory"));
  const bool little = known && static_cast<std::int64_t>(facts.memory_available_permille) <=
                                   limits.memory_available_permille;
  // Little is left on many a healthy host; that programs wait for memory is what hinders.
  const bool waits = facts.stalled_known != Tristate::yes ||
                     at_least(facts.stalled_permille, limits.memory_stalled_permille);
  if (little && waits) {
    findings.add({"memory.exhausted",
                  "memory",
                  {"memory.exhausted",
                   {said("percent", facts.memory_available_permille / 10),
                    said("stalled", facts.stalled_permille / 10)}}},
                 1);
  }
  if (facts.recent_oom_kills > 0) {
    // Which of them met a limit of their own is not told everywhere.
    const bool apart = facts.kills_apart == Tristate::yes;
    findings.add({"memory.killed",
                  "memory",
                  {apart ? "memory.killed" : "memory.killed_or_limit",
                   {said("count", facts.recent_oom_kills)}}},
                 1);
  }
  // A service that its own limit ends is its own matter: a check of kind service sees that.
  if (facts.recent_limit_kills > 0) {
    findings.note({"memory.limit_killed", {said("count", facts.recent_limit_kills)}});
  }
}

void judge_clock(const model::MetricsFacts& facts, const model::MetricLimits& limits,
                 Findings& findings) {
  if (facts.clock_synchronized == Tristate::unknown) {
    findings.blind({"clock.unknown", {}}, all_of("clock."));
  } else if (facts.clock_synchronized == Tristate::no) {
    findings.add({"clock.unsynchronized", "clock", {"clock.unsynchronized", {}}});
    findings.unseen(all_of("clock.wrong"));  // Nothing says how far off it is.
  }
  const Duration off = std::chrono::microseconds(std::abs(facts.clock_offset_us));
  if (facts.clock_synchronized == Tristate::yes && off > limits.clock_offset) {
    findings.add({"clock.wrong",
                  "clock",
                  {"clock.wrong", {said("ms", static_cast<std::uint64_t>(off / 1ms))}}},
                 1);
  }
}

}  // namespace

model::Judgement judge_metrics(const model::MetricsFacts& facts,
                               const model::MetricLimits& limits) {
  Findings findings;
  for (const model::FileSystemUse& one : facts.file_systems) {
    judge_share(kSpace, one.mount, one.used_permille, limits, findings);
    judge_share(kInodes, one.mount, one.inodes_used_permille, limits, findings);
    if (!one.read_only) continue;
    findings.add(
        {"disk.read_only", subject_part(one.mount), {"disk.read_only", {said("mount", one.mount)}}},
        1);
  }
  judge_memory(facts, limits, findings);
  judge_clock(facts, limits, findings);
  if (facts.file_systems_unseen > 0) {
    findings.blind({"metrics.unseen", {said("count", facts.file_systems_unseen)}},
                   other_disks(facts));
  }
  // A host with that many has them for good: a check that never tells again helps nobody.
  if (facts.file_systems_over_limit > 0) {
    findings.note({"metrics.unseen", {said("count", facts.file_systems_over_limit)}});
    findings.unseen(other_disks(facts));
  }
  return std::move(findings).finish({"metrics.ok", {said("disks", facts.file_systems.size())}});
}

}  // namespace tocsin::rules
