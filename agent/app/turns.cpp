#include "agent/app/turns.hpp"

#include <utility>

namespace tocsin::agent {
namespace {

void put(JobPointer job, std::deque<JobPointer>& waiting) {
  job->state = Job::State::queued;
  if (job->at_once) {
    waiting.push_front(std::move(job));
  } else {
    waiting.push_back(std::move(job));
  }
}

JobPointer take_first(std::deque<JobPointer>& waiting) {
  JobPointer job = std::move(waiting.front());
  waiting.pop_front();
  return job;
}

}  // namespace

Turns::Turns(LineLimits own, LineLimits asked, std::size_t most_asked)
    : own_{own, {}}, asked_{asked, {}}, most_asked_(most_asked) {}

void Turns::add(JobPointer job) { put(std::move(job), own_.waiting); }

void Turns::move_up(const JobPointer& job) {
  if (std::erase(own_.waiting, job) == 0) return;
  job->at_once = true;
  put(job, own_.waiting);
}

bool Turns::admit() {
  if (asked_.waiting.size() < most_asked_) return true;
  ++refused_;
  return false;
}

void Turns::add_asked(JobPointer job) { put(std::move(job), asked_.waiting); }

JobPointer Turns::next() {
  if (JobPointer job = next_of(own_)) return job;
  return next_of(asked_);
}

JobPointer Turns::next_of(Line& line) {
  if (line.waiting.empty() || line.running + line.stuck >= line.limits.threads) return nullptr;
  const std::size_t room = line.limits.workers + (line.waiting.front()->at_once ? 1 : 0);
  if (line.running >= room) return nullptr;
  ++line.running;
  return take_first(line.waiting);
}

void Turns::take_along(const Job& first, const std::function<bool(const JobPointer&)>& taken) {
  std::erase_if(line_of(first).waiting, taken);
}

JobPointer Turns::next_without_thread() {
  if (own_.waiting.empty() || own_.stuck < own_.limits.threads) return nullptr;
  return take_first(own_.waiting);
}

std::vector<JobPointer> Turns::take_expired(MonoTime now) {
  std::vector<JobPointer> expired;
  std::erase_if(asked_.waiting, [&](const JobPointer& job) {
    if (now < job->expires) return false;
    expired.push_back(job);
    return true;
  });
  return expired;
}

void Turns::ended(const Job& job) { --line_of(job).running; }

void Turns::stuck(const Job& job) {
  --line_of(job).running;
  ++line_of(job).stuck;
}

void Turns::unstuck(const Job& job) { --line_of(job).stuck; }

}  // namespace tocsin::agent
