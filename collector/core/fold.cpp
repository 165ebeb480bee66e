#include "collector/core/fold.hpp"

#include <algorithm>
#include <utility>

#include "collector/core/baselines.hpp"
#include "collector/core/certificates.hpp"
#include "collector/core/commands.hpp"
#include "collector/core/darkness.hpp"
#include "collector/core/evidence.hpp"
#include "collector/core/hidden_ports.hpp"
#include "collector/core/hosts.hpp"
#include "collector/core/incident.hpp"
#include "collector/core/inquiry.hpp"
#include "collector/core/notify_decision.hpp"
#include "collector/core/probes.hpp"

namespace tocsin::collector {
namespace {

constexpr const char* kPolicyContent = "policy/content";
constexpr const char* kPolicyDigest = "policy/digest";
constexpr const char* kPolicyProblem = "policy/problem";
constexpr const char* kRecordsLooked = "records/looked_ns";  // for closed ones past their time
constexpr const char* kAnswersSince = "records/answers_since_ns";  // what is older is forgotten
constexpr Duration kLookEvery = 1h;

void take_agent_fact(Context& context, const model::AgentFact& fact) {
  const auto* result = std::get_if<model::RequestResult>(&fact.fact.body);
  const bool inquiry = result != nullptr && is_inquiry(result->request_id);
  const bool probe = result != nullptr && is_probe_question(result->request_id);
  if (result != nullptr && is_port_question(result->request_id)) {
    take_port_answer(context, fact.agent, *result);
  } else if (result != nullptr && !inquiry && !probe) {
    take_request_result(context, fact.agent, *result);
  }
  const Judged judged = take_fact(context, fact);
  ask_about(context, fact);
  ask_probes(context, judged);
  take_judged(context, judged);
  if (probe) regrade_about(context, probed_finding(result->request_id));
  if (inquiry) take_judged(context, take_answer(context, fact.agent, *result));
}

}  // namespace

Fold::Fold(StateSnapshot snapshot, ParsePolicy parse_policy)
    : parse_policy_(std::move(parse_policy)),
      cursor_(snapshot.cursor),
      judged_at_(snapshot.judged_at),
      world_(std::move(snapshot)),
      policy_(std::make_shared<model::SitePolicy>()) {}

Result<Fold> Fold::resume(StateSnapshot snapshot, ParsePolicy parse_policy) {
  Fold fold(std::move(snapshot), std::move(parse_policy));
  const std::string& content = fold.world_.value(kPolicyContent);
  if (content.empty()) return fold;
  Result<model::SitePolicy> policy = fold.parse_policy_(content, fold.world_.value(kPolicyDigest));
  if (!policy) {
    return fail(ErrorCode::failed_precondition,
                "this version cannot read the policy in force: " + policy.error().message);
  }
  fold.policy_ = std::make_shared<model::SitePolicy>(std::move(*policy));
  return fold;
}

Effects Fold::apply(Position position, Instant at, const model::JournalBody& body,
                    const Earlier& earlier) {
  TOCSIN_CHECK(position > cursor_);
  cursor_ = position;
  judged_at_ = std::max(judged_at_, at);
  Effects effects;
  world_.forget_old_findings(judged_at_);
  look_for_old_records();
  fire_due(effects);
  if (const auto* change = std::get_if<model::PolicyChange>(&body)) {
    change_policy(effects, *change);
  } else {
    Context now = context(effects);
    dispatch(now, body, earlier);
  }
  return effects;
}

std::optional<AgentRequest> Fold::ask_again(const OpenRequest& open,
                                            const model::JournalBody& entry, Instant now) {
  const auto* command = std::get_if<model::Command>(&entry);
  if (command == nullptr) return std::nullopt;
  Effects none;
  Context then = context(none);
  then.now = now;
  return collector::ask_again(then, open, *command);
}

StateDelta Fold::take_delta() {
  StateDelta delta = world_.take_delta(cursor_, judged_at_);
  delta.forget_before = std::exchange(forget_before_, std::nullopt);
  delta.keep_answers = std::exchange(keep_answers_, std::nullopt);
  return delta;
}

// Closed incidents are not in memory: the store is only told from when on it keeps them.
void Fold::look_for_old_records() {
  const Instant looked{static_cast<std::int64_t>(world_.number(kRecordsLooked))};
  if (judged_at_ - looked < kLookEvery) return;
  world_.set_value(kRecordsLooked, std::to_string(judged_at_.ns));
  forget_before_ = judged_at_ - policy_->keep_closed;
  keep_answers_ = StateDelta::KeptAnswers{judged_at_ - kAnswersKept, kMostAnswersKept};
  world_.set_value(kAnswersSince, std::to_string(keep_answers_->since.ns));
}

// Was it answered, in this commit or an earlier one, and not too long ago? By what was decided to
// forget, not by what the store has forgotten yet: how entries are cut into commits must change no
// answer.
bool Fold::is_repeated(const model::Command& command, const Earlier& earlier) const {
  const model::CommandResult* answer = world_.fresh_answer(command.id);
  if (answer == nullptr && earlier) answer = &*earlier;
  const Instant since{static_cast<std::int64_t>(world_.number(kAnswersSince))};
  return answer != nullptr && answer->decided >= since;
}

void Fold::fire_due(Effects& effects) {
  Context now = context(effects);
  while (const std::optional<std::string> key = world_.timers.take_due(judged_at_)) {
    if (const std::optional<Judged> judged = fire_certificate_timer(now, *key)) {
      take_judged(now, *judged);
    } else if (const std::optional<Judged> answered = fire_inquiry_timer(now, *key)) {
      take_judged(now, *answered);
    } else if (const std::optional<Judged> again = fire_baseline_timer(now, *key)) {
      take_judged(now, *again);
    } else if (const std::optional<Judged> dark = fire_darkness_timer(now, *key)) {
      take_judged(now, *dark);
    } else if (!fire_request_timer(now, *key) && !fire_port_timer(now, *key) &&
               !fire_evidence_timer(now, *key) && !fire_incident_timer(now, *key)) {
      world_.add("counter/unknown_timers");
    }
  }
}

void Fold::dispatch(Context& context, const model::JournalBody& body, const Earlier& earlier) {
  if (const auto* fact = std::get_if<model::AgentFact>(&body)) {
    take_agent_fact(context, *fact);
  } else if (const auto* command = std::get_if<model::Command>(&body)) {
    if (is_repeated(*command, earlier)) {
      world_.add("counter/commands_repeated");
    } else {
      take_judged(context, take_command(context, *command));
    }
  } else if (const auto* outcome = std::get_if<model::DeliveryOutcome>(&body)) {
    take_outcome(context, *outcome);
  } else if (const auto* presence = std::get_if<model::AgentPresence>(&body)) {
    const Judged judged = take_presence(context, *presence);
    ask_about(context, *presence);
    look_for_darkness(context, *presence);
    take_judged(context, judged);
  } else if (const auto* look = std::get_if<model::CollectorLook>(&body)) {
    take_judged(context, take_look(context, *look));
  } else if (const auto* lost = std::get_if<model::FactRangeLost>(&body)) {
    take_range_lost(context, *lost);
  } else if (const auto* step = std::get_if<model::ClockStep>(&body)) {
    world_.add("counter/clock_steps");
    world_.set_value("clock/last_step_ns", std::to_string(step->difference.count()));
  } else if (const auto* event = std::get_if<model::CollectorEvent>(&body)) {
    world_.set_value("collector/version", event->version);
    world_.set_value("collector/event", event->event.code);
  } else if (const auto* certificate = std::get_if<model::CertificateSeen>(&body)) {
    take_judged(context, take_certificate(context, *certificate));
  } else if (const auto* evidence = std::get_if<model::EvidenceEvent>(&body)) {
    take_evidence_event(context, *evidence);
  } else if (std::holds_alternative<std::monostate>(body)) {
    world_.add("counter/unknown_entries");
  }
}

void Fold::change_policy(Effects& effects, const model::PolicyChange& change) {
  if (change.kind != "site") {
    world_.add("counter/unknown_policies");
    return;
  }
  Result<model::SitePolicy> policy = parse_policy_(change.content, change.digest);
  if (!policy) {
    // The one before stays in force; the status shows why.
    world_.set_value(kPolicyProblem, policy.error().message);
    return;
  }
  policy_ = std::make_shared<model::SitePolicy>(std::move(*policy));
  world_.set_value(kPolicyContent, change.content);
  world_.set_value(kPolicyDigest, change.digest);
  world_.set_value(kPolicyProblem, "");
  Context now = context(effects);
  world_.in_force.clear();  // Groups, and what the policy's own baselines say.
  effects.baselines_changed = true;
  take_judged(now, judge_again(now));
  take_judged(now, forget_unnamed(now));
  regrade_all(now);
}

std::string_view command_of(const model::JournalBody& body) {
  const auto* command = std::get_if<model::Command>(&body);
  return command == nullptr ? std::string_view{} : std::string_view(command->id);
}

}  // namespace tocsin::collector
