// One judging function for each kind of check; judge.cpp calls the one that fits.
#pragma once

#include <string_view>

#include "common/model/check.hpp"
#include "common/model/policy.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::rules {

model::Judgement judge_ping(const model::PingFacts& facts, const model::RuleLimits& limits);
// `at`: when the host looked, by the same clock as `facts.state_since`.
model::Judgement judge_service(const model::ServiceFacts& facts, const model::Baseline* baseline,
                               Instant at);
model::Judgement judge_warnings(const model::WarningsFacts& facts);
model::Judgement judge_audit_log(const model::AuditLogFacts& facts);
// A log at this path is kept in memory only: it ends with the boot.
bool is_in_memory(std::string_view log);
model::Judgement judge_sockets(const model::SocketsFacts& facts, const model::Baseline* baseline);
model::Judgement judge_processes(const model::ProcessesFacts& facts,
                                 const model::Baseline* baseline);
model::Judgement judge_login(const model::LoginFacts& facts);
// `at`: when the host looked.
model::Judgement judge_antivirus(const model::AntivirusFacts& facts, Instant at);
// `at`: when the host looked, by the same clock as the facts' times.
model::Judgement judge_backup_job(const model::BackupJobFacts& facts,
                                  const model::BackupLimits& limits, Instant at);
model::Judgement judge_metrics(const model::MetricsFacts& facts, const model::MetricLimits& limits);
model::Judgement judge_plugin(const model::PluginFacts& facts);
// `baseline`: of the host that was scanned.
model::Judgement judge_port_scan(const model::PortScanFacts& facts,
                                 const model::Baseline* baseline);
model::Judgement judge_answer(const model::AnswerFacts& facts);

}  // namespace tocsin::rules
