// Whose turn it is to run. Pure: it starts nothing and asks no clock.
//
// The host's own checks and what the collector requests wait in two lines and have workers and
// threads of their own, so that no number of requests, however long they take and though every one
// of them is stuck, delays a check of the host. Only so many requests wait; more are counted and
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "agent/app/job.hpp"

namespace tocsin::agent {

// Of one line. A worker is a thread that is not stuck: when so many are stuck that threads run out,
// the others share what is left.
struct LineLimits {
  std::size_t workers = 1;  // runs at the same time; one more for a job that is `at_once`
  std::size_t threads = 1;  // of all its runs, also of those that are stuck past their deadline
};

class Turns {
 public:
  // `most_asked`: requests that may wait.
  Turns(LineLimits own, LineLimits asked, std::size_t most_asked);

  // One of the host's own runs. What is `at_once` waits only for others of that kind.
  void add(JobPointer job);
  // One of the host's own that is wanted at once since it began to wait. Does nothing where it does
  // not wait.
  void move_up(const JobPointer& job);
  // Whether another request may wait; one that may not is counted.
  bool admit();
  // A request's that was admitted; first come, first served, but what is `at_once` goes before.
  void add_asked(JobPointer job);

  // The next to start, which from now on runs; nothing where none waits or may run now.
  JobPointer next();
  // Asks of each that waits in the line of `first`, in order, whether it is taken into the same
  // run, for which next() gave `first`; it waits no more then. What follows is told of `first`
  // alone.
  void take_along(const Job& first, const std::function<bool(const JobPointer&)>& taken);
  // The next of the host's own that no thread will run, because all are stuck; nothing where that
  // is not so.
  JobPointer next_without_thread();
  // Requests that waited too long, oldest first; they wait no more.
  std::vector<JobPointer> take_expired(MonoTime now);

  // A run that ended in time; one that is past its deadline; one of those that ended after all.
  void ended(const Job& job);
  void stuck(const Job& job);
  void unstuck(const Job& job);

  std::size_t stuck_own() const { return own_.stuck; }
  std::uint64_t refused() const { return refused_; }  // since the start

 private:
  struct Line {
    LineLimits limits;
    std::deque<JobPointer> waiting;
    std::size_t running = 0;  // not those that are stuck
    std::size_t stuck = 0;
  };
  static JobPointer next_of(Line& line);
  Line& line_of(const Job& job) { return job.asked() ? asked_ : own_; }

  Line own_;
  Line asked_;
  std::size_t most_asked_;
  std::uint64_t refused_ = 0;
};

}  // namespace tocsin::agent
