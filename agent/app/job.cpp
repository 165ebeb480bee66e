#include "agent/app/job.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::agent {
namespace {

// A unit whose changes brought so many looks in a second is looked at again when that has passed.
constexpr int kQuickLooks = 20;

}  // namespace

void take_event(Job& job, MonoTime now) {
  if (now - job.events_since >= 1s) {
    job.events_since = now;
    job.events = 0;
  }
  // One look is for all that was told before it began: systemd tells of one start ten times.
  if (job.state == Job::State::queued || job.again) return;
  if (++job.events > kQuickLooks) {
    const MonoTime by = job.events_since + 1s;
    if (job.state == Job::State::waiting) {
      job.due = std::min(job.due, by);
    } else {
      job.look_by = by;
    }
  } else if (job.state == Job::State::waiting) {
    job.at_once = true;
    job.due = now;
  } else {
    job.again = true;
  }
}

void take_asker(Job& job, Asker asker, const std::string& ports, MonoTime now) {
  const bool runs = job.state == Job::State::running;
  if (!ports.empty() && job.check.ports != ports) {
    job.check.ports = ports;
    asker.of_the_next = runs;
    job.again = job.again || runs;
  }
  if (job.state == Job::State::waiting) {
    job.at_once = true;
    job.due = std::min(job.due, now);
  }
  job.askers.push_back(std::move(asker));
}

std::vector<Asker> answered(Job& job) {
  std::vector<Asker> now;
  std::vector<Asker> later;
  for (Asker& asker : job.askers) {
    const bool next = std::exchange(asker.of_the_next, false);
    (next ? later : now).push_back(std::move(asker));
  }
  job.askers = std::move(later);
  return now;
}

void leave_to_next(Job& job) {
  for (Asker& asker : job.askers) asker.of_the_next = false;
}

std::vector<Asker> expired(Job& job, MonoTime now) {
  std::vector<Asker> late;
  if (job.state == Job::State::running) return late;
  std::erase_if(job.askers, [&](const Asker& asker) {
    if (now < asker.expires) return false;
    late.push_back(asker);
    return true;
  });
  return late;
}

void plan_after_run(Job& job, MonoTime next, MonoTime now) {
  job.due = next;
  if (const auto by = std::exchange(job.look_by, std::nullopt)) job.due = std::min(job.due, *by);
  if (std::exchange(job.again, false)) {
    job.at_once = true;
    job.due = now;
  }
}

}  // namespace tocsin::agent
