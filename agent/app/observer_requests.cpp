// What the collector asks the observer for: a look, a restart, evidence.
#include "agent/app/observer_parts.hpp"
#include "agent/app/plan.hpp"
#include "agent/evidence/collect.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {

void Observer::take_requests() {
  auto taken = spool_.take_requests(time_.wall());
  if (!taken) return spool_failed("take requests", taken.error());
  for (const std::string& id : taken->interrupted) {
    answer(id, model::RequestOutcome::unknown, {"request.interrupted", {}}, {});
  }
  for (const model::Request& request : taken->expired) expire(request.request_id);
  for (const model::Request& request : taken->fresh) accept(request);
}

void Observer::accept(const model::Request& request) {
  if (const auto* restart = std::get_if<model::RestartUnit>(&request.act)) {
    if (!turns_.admit()) return refuse_too_many(request.request_id);
    const auto why = begin_restart(restart->unit, request.request_id, request.expires_in);
    if (why) answer(request.request_id, model::RequestOutcome::refused, *why, {});
    return;
  }
  if (const auto* take = std::get_if<model::TakeEvidence>(&request.act)) {
    return take_evidence(request.request_id, *take);
  }
  const auto& asked = std::get<model::CheckDefinition>(request.act);
  const model::CheckRef& ref = asked.check;
  if (!request_allowed(config_, ref)) {
    return answer(request.request_id, model::RequestOutcome::refused,
                  {"request.not_allowed", {{"check", model::to_string(ref)}}}, {});
  }
  if (!turns_.admit()) return refuse_too_many(request.request_id);
  const Asker asker{request.request_id, time_.steady() + request.expires_in};
  const auto own = jobs_.find(ref);
  // A scan of other ports is another look.
  const bool other = ref.kind == model::CheckKind::port_scan && own != jobs_.end() &&
                     own->second->check.ports != asked.ports;
  if (own == jobs_.end() || other) return run_alone(asker, bounded(asked, 0s));
  bring_forward(own->second, asker, asked.ports);
}

// A look that the host does not have: it remembers nothing of others.
void Observer::run_alone(const Asker& asker, model::CheckDefinition check) {
  auto job = std::make_shared<Job>();
  job->check = std::move(check);
  job->context = make_context();
  job->request_id = asker.request_id;
  job->expires = asker.expires;
  turns_.add_asked(std::move(job));
}

// What is asked of one of the host's own checks its next run answers, with what it remembers. The
// ports of a request for sockets answered a scan from another host: the check tries them from
// then on.
void Observer::bring_forward(const JobPointer& job, const Asker& asker, const std::string& ports) {
  if (job->state == Job::State::stuck) return answer_late(*job, asker);
  const bool sockets = job->check.check.kind == model::CheckKind::sockets;
  take_asker(*job, asker, sockets ? ports : std::string(), time_.steady());
  turns_.move_up(job);
}

void Observer::answer_late(const Job& job, const Asker& asker) {
  answer(asker.request_id, model::RequestOutcome::done, {}, {late(job)});
}

// The host does not have the check any more: no run of its own answers those who still wait. One
// that hangs is not begun a second time.
void Observer::hand_over(Job& job) {
  for (const Asker& asker : std::exchange(job.askers, {})) {
    if (job.state == Job::State::stuck) {
      answer_late(job, asker);
    } else {
      run_alone(asker, job.check);
    }
  }
}

void Observer::refuse_too_many(const std::string& id) {
  log::warning("observer.request_refused", {{"request", id}, {"refused", turns_.refused()}});
  answer(id, model::RequestOutcome::refused,
         {"request.too_many",
          {{"most", std::to_string(config_.most_requests)},
           {"refused", std::to_string(turns_.refused())}}},
         {});
}

void Observer::end_late_requests(MonoTime now) {
  for (const JobPointer& job : turns_.take_expired(now)) expire(job->request_id);
  for (const auto& [ref, job] : jobs_) {
    for (const Asker& asker : expired(*job, now)) expire(asker.request_id);
  }
}

void Observer::expire(const std::string& id) {
  answer(id, model::RequestOutcome::expired, {"request.expired", {}}, {});
}

void Observer::take_evidence(const std::string& id, const model::TakeEvidence& asked) {
  std::vector<std::string> logs;
  for (const auto& [ref, job] : jobs_) {
    if (is_log_file(ref) && !job->not_allowed) logs.push_back(ref.target);
  }
  const auto why =
      evidence_.begin(id, asked, std::move(logs),
                      [this, id](model::RequestOutcome outcome, const model::Message& message) {
                        if (stopping_) return;  // Answered after the next start, as interrupted.
                        answer(id, outcome, message, {});
                      });
  if (why) answer(id, model::RequestOutcome::refused, *why, {});
}

void Observer::answer(const std::string& id, model::RequestOutcome outcome, model::Message detail,
                      std::vector<model::Observation> observations) {
  model::RequestResult result{id, outcome, std::move(detail), std::move(observations)};
  const NewFact fact = row_of(std::move(result), model::Priority::critical);
  const auto seq = spool_.finish_request(id, {&fact, 1});
  if (!seq) spool_failed("answer a request", seq.error());
}

}  // namespace tocsin::agent
