// When the observer's checks run, on which thread, and what becomes of a run that is late.
#include <algorithm>

#include "agent/app/observer_parts.hpp"
#include "agent/app/plan.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/warnings.hpp"
#include "common/base/limits.hpp"
#include "common/log/log.hpp"

namespace tocsin::agent {
namespace {

constexpr int kGlanceRest = 15;  // times as long as the run before had a processor, until a glance

RunCheck refused_run(const model::Message& why) {
  return [why](const model::CheckDefinition& check, const CheckContext& context) {
    return agent::Run(check, context).unseen(model::Outcome::not_permitted, why);
  };
}

}  // namespace

// What listens is watched for events where the kernel has none: a look of microseconds, and the
// run only where that look saw something new.
void Observer::glance_from_now_on(const Job& job) {
  const CatalogEntry& entry = catalog_(job.check.check.kind);
  if (!entry.glance || job.asked() || job.restart || job.removed || job.not_allowed) return;
  const MonoTime first = time_.steady() + std::max(entry.glance_every, job.cost * kGlanceRest);
  glances_.begin(job.check.check, entry.glance, job.context, first,
                 glances_.is_told() ? entry.glance_every_told : entry.glance_every);
}

void Observer::glance_saw(const model::CheckRef& check) {
  const auto found = jobs_.find(check);
  if (found == jobs_.end()) return;
  found->second->due = std::min(found->second->due, time_.steady());
}

void Observer::queue_due(MonoTime now) {
  for (const auto& [ref, job] : jobs_) {
    if (job->state != Job::State::waiting || now < job->due) continue;
    turns_.add(job);
  }
}

// When every thread of the host's own checks is stuck they say so instead of waiting in silence.
void Observer::start_queued() {
  while (const JobPointer job = turns_.next_without_thread()) settle_unrun(job);
  while (const JobPointer job = turns_.next()) {
    if (job->removed) {
      turns_.ended(*job);
    } else {
      start(with_others(job));
    }
  }
}

// The checks that `first` is looked at together with, itself first: those of its kind that wait
// for a worker too, and those of the same interval whose turn comes so soon that it may as well
// be now. These keep the same turn from then on.
std::vector<JobPointer> Observer::with_others(const JobPointer& first) {
  std::vector<JobPointer> jobs{first};
  const model::CheckDefinition& check = first->check;
  if (first->restart || first->not_allowed || !catalog_(check.check.kind).run_together) return jobs;
  const auto fits = [&](const Job& job) {
    return jobs.size() < limits::kChecks && !job.removed && !job.restart && !job.not_allowed &&
           job.check.check.kind == check.check.kind && job.check.deadline == check.deadline &&
           job.asked() == first->asked();
  };
  turns_.take_along(*first, [&](const JobPointer& job) {
    const bool taken = fits(*job);
    if (taken) jobs.push_back(job);
    return taken;
  });
  if (first->asked()) return jobs;
  const MonoTime soon = time_.steady() + check.interval / 20;  // as next_run() may have it
  for (const auto& [ref, job] : jobs_) {
    const bool waits = job->state == Job::State::waiting && job->due <= soon;
    if (waits && job->check.interval == check.interval && fits(*job)) jobs.push_back(job);
  }
  for (const JobPointer& job : jobs) {
    if (job->check.interval == check.interval) job->due = first->due;
  }
  return jobs;
}

void Observer::start(std::vector<JobPointer> jobs) {
  auto lot = std::make_shared<Lot>();
  lot->jobs = std::move(jobs);
  lot->deadline = time_.steady() + lot->jobs.front()->check.deadline;
  std::vector<model::CheckDefinition> checks;
  std::vector<std::shared_ptr<CheckContext>> contexts;
  for (const JobPointer& job : lot->jobs) {
    if (!job->asked()) glances_.end(job->check.check);
    job->state = Job::State::running;
    job->at_once = false;
    job->context->stop = lot->stop.get_token();
    job->context->new_cursor.reset();
    job->context->requested = job->asked() || !job->askers.empty();
    if (job->asked() && !job->restart && catalog_(job->check.check.kind).one_memory) {
      job->context->cursor = cursor_of(job->check.check);
    }
    checks.push_back(job->check);
    contexts.push_back(job->context);
  }
  running_.push_back(lot);
  runner_.start(run_of(*lot), std::move(checks), std::move(contexts),
                [this, lot](std::vector<model::Observation> seen, Duration cost) {
                  on_done(*lot, seen, cost);
                });
}

RunTogether Observer::run_of(const Lot& lot) const {
  const Job& first = *lot.jobs.front();
  const CatalogEntry& entry = catalog_(first.check.check.kind);
  if (lot.jobs.size() > 1) return entry.run_together;
  if (first.not_allowed) return alone(refused_run(*first.not_allowed));
  if (first.restart) return alone(restart_run(first));
  const bool first_look = first.asked() && is_first_look(first.check.check, *first.context);
  return alone(first_look ? RunCheck(tell_first_look) : entry.run);
}

void Observer::on_done(Lot& lot, std::vector<model::Observation>& seen, Duration cost) {
  if (stopping_) return;  // Cut short by the stop: says nothing of the host.
  TOCSIN_CHECK(seen.size() == lot.jobs.size());
  if (lot.stuck) {
    turns_.unstuck(*lot.jobs.front());
  } else {
    turns_.ended(*lot.jobs.front());
    std::erase_if(running_, [&](const LotPointer& one) { return one.get() == &lot; });
  }
  const std::uint64_t random = random_();  // What was looked at together stays together.
  for (std::size_t i = 0; i < lot.jobs.size(); ++i) {
    const JobPointer& job = lot.jobs[i];
    job->cost = cost;
    if (lot.stuck) {
      // Its observation is too old to say anything; it was reported as timed out.
      job->context->new_cursor.reset();
      job->context->samples.clear();
      log::info("observer.unstuck", {{"check", model::to_string(job->check.check)}});
      // What happened meanwhile was not looked at.
      plan_after_run(*job, job->due, time_.steady());
    } else {
      if (!job->asked()) keep_samples(*job);
      settle(job, std::move(seen[i]), random);
    }
    wait_again(*job);
  }
}

void Observer::end_late_runs(MonoTime now) {
  const std::vector<LotPointer> running = running_;
  for (const LotPointer& lot : running) {
    if (now < lot->deadline) continue;
    lot->stop.request_stop();
    lot->stuck = true;
    std::erase(running_, lot);
    turns_.stuck(*lot->jobs.front());
    const std::uint64_t random = random_();
    for (const JobPointer& job : lot->jobs) {
      job->state = Job::State::stuck;
      settle(job, late(*job), random);
    }
    if (!lot->jobs.front()->asked() && turns_.stuck_own() == config_.most_stuck) {
      event({"agent.stuck_limit", {{"count", std::to_string(turns_.stuck_own())}}});
    }
  }
}

void Observer::settle_unrun(const JobPointer& job) {
  const std::string stuck = std::to_string(turns_.stuck_own());
  settle(job, unseen(job->check, {"run.no_worker", {{"stuck", stuck}}}), random_());
  wait_again(*job);
}

void Observer::wait_again(Job& job) {
  job.state = Job::State::waiting;
  glance_from_now_on(job);
}

model::Observation Observer::late(const Job& job) const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(job.check.deadline);
  return unseen(job.check, {"run.past_deadline", {{"ms", std::to_string(ms.count())}}});
}

model::Observation Observer::unseen(const model::CheckDefinition& check,
                                    model::Message detail) const {
  model::Observation observation;
  observation.check = check.check;
  observation.outcome = model::Outcome::timed_out;
  observation.detail = std::move(detail);
  observation.at = time_.wall();
  observation.took = check.deadline;
  return observation;
}

}  // namespace tocsin::agent
