#include "common/rules/judge.hpp"

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::Judgement;
using model::Outcome;
using model::Verdict;

// Why nothing was seen is itself the answer; it is never `normal`.
Judgement judge_unseen(const model::Observation& observation) {
  const bool applies = observation.outcome != Outcome::not_applicable;
  const Verdict verdict = applies ? Verdict::cannot_tell : Verdict::not_applicable;
  const std::string code = "observation." + std::string(to_string(observation.outcome));
  Judgement judgement = conclude(verdict, {code, {}});
  if (!observation.detail.code.empty()) judgement.reasons.push_back(observation.detail);
  return judgement;
}

Judgement mismatched() { return conclude(Verdict::cannot_tell, {"observation.mismatched", {}}); }

// The facts of a kind, judged by `judge_facts`; a check that carries other facts cannot be judged.
template <class Facts, class JudgeFacts>
Judgement judge_if(const model::Observation& observation, JudgeFacts judge_facts) {
  const Facts* facts = std::get_if<Facts>(&observation.facts);
  return facts == nullptr ? mismatched() : judge_facts(*facts);
}

}  // namespace

Judgement judge(const model::Observation& observation, const model::Baseline* baseline,
                const model::RuleLimits& limits) {
  if (observation.outcome != Outcome::seen) return judge_unseen(observation);
  switch (observation.check.kind) {
    case model::CheckKind::ping:
      return judge_if<model::PingFacts>(
          observation, [&](const auto& facts) { return judge_ping(facts, limits); });
    case model::CheckKind::service:
      return judge_if<model::ServiceFacts>(observation, [&](const auto& facts) {
        return judge_service(facts, baseline, observation.at);
      });
    case model::CheckKind::audit_log:
      return judge_if<model::AuditLogFacts>(
          observation, [&](const auto& facts) { return judge_audit_log(facts); });
    case model::CheckKind::sockets:
      return judge_if<model::SocketsFacts>(
          observation, [&](const auto& facts) { return judge_sockets(facts, baseline); });
    case model::CheckKind::processes:
      return judge_if<model::ProcessesFacts>(
          observation, [&](const auto& facts) { return judge_processes(facts, baseline); });
    case model::CheckKind::antivirus:
      return judge_if<model::AntivirusFacts>(
          observation, [&](const auto& facts) { return judge_antivirus(facts, observation.at); });
    case model::CheckKind::plugin:
      return judge_if<model::PluginFacts>(observation,
                                          [&](const auto& facts) { return judge_plugin(facts); });
    case model::CheckKind::login:
      return judge_if<model::LoginFacts>(observation,
                                         [&](const auto& facts) { return judge_login(facts); });
    case model::CheckKind::warnings:
      return judge_if<model::WarningsFacts>(
          observation, [&](const auto& facts) { return judge_warnings(facts); });
    case model::CheckKind::port_scan:
      return judge_if<model::PortScanFacts>(
          observation, [&](const auto& facts) { return judge_port_scan(facts, baseline); });
    case model::CheckKind::answer:
      return judge_if<model::AnswerFacts>(observation,
                                          [&](const auto& facts) { return judge_answer(facts); });
    case model::CheckKind::backup_job:
      return judge_if<model::BackupJobFacts>(observation, [&](const auto& facts) {
        return judge_backup_job(facts, limits.backup, observation.at);
      });
    case model::CheckKind::metrics:
      return judge_if<model::MetricsFacts>(
          observation, [&](const auto& facts) { return judge_metrics(facts, limits.metrics); });
    case model::CheckKind::collector:
      break;
  }
  return mismatched();
}

}  // namespace tocsin::rules
