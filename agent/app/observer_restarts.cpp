// The observer's attempts to restart a service: asked for, or its own (procedure M-03).
#include "agent/actions/restart.hpp"
#include "agent/actions/restart_limits.hpp"
#include "agent/app/observer_parts.hpp"
#include "agent/config/agent_config.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/rules/judge.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kRestartLimit = 60s;

// Who begins to work on a host writes it into the file and should not have to restart the agent. A
// file that cannot be read now may say so too.
Result<ActionSettings> actions_now(const ObserverConfig& config) {
  ActionSettings actions = config.settings.actions;
  if (config.own_file.empty()) return actions;
  const auto now = load_agent_config(config.own_file);
  if (!now) return fail(now.error());
  actions.maintenance = now->settings.actions.maintenance;
  return actions;
}

}  // namespace

// Counts the attempt on disk, then begins it; or says why not. A request without an id is the
// agent's own.
std::optional<model::Message> Observer::begin_restart(const std::string& unit,
                                                      std::string request_id, Duration expires_in) {
  const std::string key = "restart:" + clean_text(unit, limits::kName);
  const Instant now = time_.wall();
  const auto noted = spool_.cursor(key);
  if (!noted) return model::Message{"action.not_counted", {{"unit", unit}}};
  const std::vector<Instant> attempts = parse_attempts(noted->value_or(std::string()), now);
  const auto actions = actions_now(config_);
  if (!actions) {
    const std::string why = clean_text(actions.error().message, limits::kText);
    return model::Message{"action.file_unreadable", {{"unit", unit}, {"why", why}}};
  }
  if (auto why = refuse_restart(*actions, unit, attempts, now)) return why;
  const ReaderCursor counted{key, print_attempts(attempts, now)};
  if (!spool_.append({}, {&counted, 1}, {})) {
    return model::Message{"action.not_counted", {{"unit", unit}}};
  }
  auto job = std::make_shared<Job>();
  job->check.check = {model::CheckKind::service, unit};
  job->check.deadline = kRestartLimit + 10s;
  job->context = make_context();
  job->request_id = std::move(request_id);
  job->expires = time_.steady() + expires_in;
  job->restart = std::make_shared<RestartOutcome>();
  job->at_once = true;
  if (job->asked()) {
    turns_.add_asked(std::move(job));
  } else {
    turns_.add(std::move(job));
  }
  return std::nullopt;
}

// The attempt, then a look at what it led to.
RunCheck Observer::restart_run(const Job& job) const {
  return [snapshots = config_.snapshots, outcome = job.restart,
          look = catalog_(model::CheckKind::service).run,
          ask = catalog_(model::CheckKind::answer).run](const model::CheckDefinition& check,
                                                        CheckContext& context) {
    const RestartPlace place{context.time,  context.root, snapshots,
                             kRestartLimit, context.stop, probe_of(check, ask, context)};
    *outcome = restart_service(check.check.target, place);
    return look(check, context);
  };
}

// The question that the host's own file names for the unit. It names the address too, so no other
// list has to allow it.
RestartProbe Observer::probe_of(const model::CheckDefinition& check, const RunCheck& ask,
                                const CheckContext& context) {
  const RestartSettings* settings = restart_settings(context.settings.actions, check.check.target);
  if (settings == nullptr || settings->probe.empty()) return {};
  RestartProbe probe{settings->probe, settings->probe_within, {}};
  probe.ask = [&context, ask, target = settings->probe](Duration limit) {
    model::CheckDefinition question;
    question.check = {model::CheckKind::answer, target};
    question.deadline = limit;
    CheckContext its{context.time, context.stop, context.root, {}, {}, {}, context.settings};
    its.settings.probe_targets = {"0.0.0.0/0", "::/0"};
    const model::Observation seen = ask(question, its);
    const model::Judgement judged = rules::judge(seen, nullptr, {});
    const bool answers = judged.verdict == model::Verdict::normal;
    return ProbeAnswer{answers, judged.reasons.empty() ? model::Message{} : judged.reasons[0]};
  };
  return probe;
}

void Observer::end_restart(const Job& job, model::Observation seen) {
  RestartOutcome outcome;
  outcome.detail = {"action.unfinished", {{"unit", job.check.check.target}}};
  if (job.state != Job::State::stuck) outcome = *job.restart;
  if (!job.asked()) return event(outcome.detail);
  answer(job.request_id, outcome.outcome, outcome.detail, {std::move(seen)});
}

// A service that failed and may be restarted without being asked.
void Observer::consider_restart(const model::Observation& seen) {
  const auto* facts = std::get_if<model::ServiceFacts>(&seen.facts);
  if (facts == nullptr || facts->active_state != "failed") return;
  const std::string& unit = seen.check.target;
  const RestartSettings* settings = restart_settings(config_.settings.actions, unit);
  if (settings == nullptr || !settings->automatic) return;
  if (const auto why = begin_restart(unit, {}, {})) event(*why);
}

}  // namespace tocsin::agent
