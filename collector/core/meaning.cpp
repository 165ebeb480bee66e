// What each finding's code says in the facts of the grading table.
#include <algorithm>
#include <array>

#include "collector/core/grade.hpp"

namespace tocsin::collector {
namespace {

struct Row {
  std::string_view code;
  FindingMeaning meaning;
};

// Sorted by code. An access is suspected, never confirmed: the same sign has benign causes and a
// person decides (procedure M-02, M-05).
constexpr std::array kMeanings{
    Row{"agent.clone_suspected",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"agent.false_report",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"agent.silent", {Kind::agent_silence, Effect::none, Access::none, Impact::limited}},
    Row{"agent.spool_restored",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"answer.error_status",
        {Kind::availability, Effect::degraded, Access::none, Impact::limited, false, true}},
    Row{"answer.failed",
        {Kind::availability, Effect::interrupted, Access::none, Impact::limited, false, true}},
    Row{"audit.altered", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.disabled", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.diverted", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.edited", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.emptied", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.gap", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.heartbeat_missing", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.history_gone", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.lost_records", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.missing", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.rewritten", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.shrunk", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.stopped", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"audit.zeroed", {Kind::audit_gap, Effect::none, Access::none, Impact::limited}},
    Row{"backup.database_full",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited, true}},
    Row{"backup.database_old",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited, true}},
    Row{"backup.drive_offline",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited, true}},
    Row{"backup.failed", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.integrity_failed",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited}},
    Row{"backup.integrity_old", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.log_full",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited, true}},
    Row{"backup.missed", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.never", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.path_offline",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited, true}},
    Row{"backup.pool_full",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited, true}},
    Row{"backup.restore_failed",
        {Kind::backup_job, Effect::interrupted, Access::none, Impact::limited}},
    Row{"backup.restore_old", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.rpo", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.severe", {Kind::backup_job, Effect::degraded, Access::none, Impact::limited}},
    Row{"backup.unreachable",
        {Kind::backup_job, Effect::interrupted, Access::none, Impact::limited}},
    Row{"backup.volume_readonly", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"backup.volume_unavailable",
        {Kind::backup_job, Effect::degraded, Access::none, Impact::limited}},
    Row{"baseline.ends", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"certificate.agent", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"certificate.authority", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"certificate.operator", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"certificate.server", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"clock.unsynchronized", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"clock.wrong", {Kind::availability, Effect::degraded, Access::none, Impact::limited}},
    // Whoever hears nothing cannot tell whether anything works.
    Row{"collector.dark", {Kind::network, Effect::interrupted, Access::none, Impact::limited}},
    Row{"disk.inodes_full", {Kind::capacity, Effect::degraded, Access::none, Impact::limited}},
    Row{"disk.inodes_low", {Kind::capacity, Effect::none, Access::none, Impact::limited}},
    Row{"disk.read_only", {Kind::capacity, Effect::degraded, Access::none, Impact::limited}},
    Row{"disk.space_full", {Kind::capacity, Effect::degraded, Access::none, Impact::limited}},
    Row{"disk.space_low", {Kind::capacity, Effect::none, Access::none, Impact::limited}},
    // A login that failed is suspected, after its benign causes (procedure M-02, M-06).
    Row{"login.banner_only", {Kind::availability, Effect::degraded, Access::none, Impact::limited}},
    Row{"login.expired", {Kind::availability, Effect::none, Access::none, Impact::limited}},
    Row{"login.host_key_changed",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"login.locked",
        {Kind::logical_access, Effect::degraded, Access::suspected, Impact::limited}},
    Row{"login.refused", {Kind::availability, Effect::degraded, Access::none, Impact::limited}},
    Row{"login.rejected",
        {Kind::logical_access, Effect::degraded, Access::suspected, Impact::limited}},
    Row{"login.session_failed",
        {Kind::logical_access, Effect::degraded, Access::suspected, Impact::limited}},
    Row{"login.timed_out", {Kind::availability, Effect::degraded, Access::none, Impact::limited}},
    Row{"malware.found", {Kind::malware, Effect::none, Access::suspected, Impact::serious}},
    Row{"memory.exhausted", {Kind::capacity, Effect::degraded, Access::none, Impact::limited}},
    Row{"memory.killed", {Kind::capacity, Effect::degraded, Access::none, Impact::limited}},
    Row{"ping.loss.high",
        {Kind::network, Effect::degraded, Access::none, Impact::limited, false, true}},
    Row{"ping.rtt.high",
        {Kind::performance, Effect::degraded, Access::none, Impact::limited, false, true}},
    Row{"ping.unreachable", {Kind::network, Effect::interrupted, Access::none, Impact::limited}},
    Row{"plugin.critical", {Kind::environment, Effect::degraded, Access::none, Impact::limited}},
    Row{"plugin.warning", {Kind::environment, Effect::none, Access::none, Impact::limited}},
    Row{"port.answers", {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"port.concealed", {Kind::logical_access, Effect::none, Access::suspected, Impact::serious}},
    Row{"port.hidden", {Kind::logical_access, Effect::none, Access::suspected, Impact::serious}},
    Row{"port.unexpected",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"process.hidden", {Kind::logical_access, Effect::none, Access::suspected, Impact::serious}},
    Row{"process.preload_file",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::serious}},
    Row{"process.unexpected",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"reach.host_down", {Kind::network, Effect::interrupted, Access::none, Impact::limited}},
    Row{"reach.unseen", {Kind::network, Effect::none, Access::none, Impact::limited}},
    Row{"service.crash_loop",
        {Kind::availability, Effect::interrupted, Access::none, Impact::limited}},
    Row{"service.failed", {Kind::availability, Effect::interrupted, Access::none, Impact::limited}},
    Row{"service.inactive",
        {Kind::availability, Effect::interrupted, Access::none, Impact::limited}},
    Row{"service.not_found",
        {Kind::availability, Effect::interrupted, Access::none, Impact::limited}},
    Row{"source.unexpected",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"unit.unexpected",
        {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"warning.access", {Kind::logical_access, Effect::none, Access::suspected, Impact::limited}},
    Row{"warning.backup", {Kind::backup_job, Effect::none, Access::none, Impact::limited}},
    Row{"warning.critical", {Kind::availability, Effect::degraded, Access::none, Impact::limited}},
    Row{"warning.system", {Kind::availability, Effect::none, Access::none, Impact::limited}},
};

// Signs that have hardly a benign cause: with one of them an access counts as serious.
// The second reading of M-06: nobody gets in any more after a restart.
constexpr std::array<std::string_view, 4> kCorroborating{"@why.imitates_kernel", "@why.memory_only",
                                                         "@why.since_boot", "@why.world_writable"};

// Unusual, and by itself no sign of an intrusion.
constexpr std::array<std::string_view, 4> kOnlyUnusual{"@why.no_package", "@why.outside",
                                                       "@why.unit_active", "@why.unit_enabled"};

std::string_view why_of(const model::Message& message) {
  const auto why = std::find_if(message.parameters.begin(), message.parameters.end(),
                                [](const model::Parameter& p) { return p.name == "why"; });
  return why == message.parameters.end() ? std::string_view{} : std::string_view(why->value);
}

}  // namespace

std::optional<FindingMeaning> meaning_of(std::string_view finding_code) {
  const auto row = std::find_if(kMeanings.begin(), kMeanings.end(),
                                [&](const Row& r) { return r.code == finding_code; });
  if (row == kMeanings.end()) return std::nullopt;
  return row->meaning;
}

std::vector<std::string_view> graded_codes() {
  std::vector<std::string_view> codes;
  codes.reserve(kMeanings.size());
  for (const Row& row : kMeanings) codes.push_back(row.code);
  return codes;
}

std::optional<FindingMeaning> meaning_of(std::string_view finding_code,
                                         const model::Message& message) {
  std::optional<FindingMeaning> meaning = meaning_of(finding_code);
  if (meaning && finding_code.starts_with("certificate.")) {
    meaning->effect =
        why_of(message) == "@why.certificate_expiring" ? Effect::none : Effect::degraded;
    const bool shuts_out =
        finding_code == "certificate.server" || finding_code == "certificate.authority";
    meaning->fixable = !(shuts_out && why_of(message) == "@why.certificate_expired");
    return meaning;
  }
  if (meaning && finding_code == "baseline.ends") {
    // What is watched without a baseline is not watched.
    meaning->effect = why_of(message) == "@why.baseline_expired" ? Effect::degraded : Effect::none;
    return meaning;
  }
  if (!meaning || meaning->access == Access::none) return meaning;
  const std::string_view why = why_of(message);
  if (std::any_of(kCorroborating.begin(), kCorroborating.end(),
                  [&](std::string_view sign) { return why.find(sign) != why.npos; })) {
    meaning->impact = Impact::serious;
  } else if (std::find(kOnlyUnusual.begin(), kOnlyUnusual.end(), why) != kOnlyUnusual.end()) {
    meaning->access = Access::none;
  }
  return meaning;
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::availability:
      return "availability";
    case Kind::performance:
      return "performance";
    case Kind::network:
      return "network";
    case Kind::physical_access:
      return "physical_access";
    case Kind::logical_access:
      return "logical_access";
    case Kind::malware:
      return "malware";
    case Kind::audit_gap:
      return "audit_gap";
    case Kind::environment:
      return "environment";
    case Kind::backup_job:
      return "backup_job";
    case Kind::capacity:
      return "capacity";
    case Kind::change:
      return "change";
    case Kind::agent_silence:
      return "agent_silence";
  }
  return "unknown";
}

}  // namespace tocsin::collector
