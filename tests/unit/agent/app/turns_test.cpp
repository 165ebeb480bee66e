#include "agent/app/turns.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace tocsin::agent {
namespace {

constexpr MonoTime kStart{1'000'000'000'000};
constexpr Duration kStep = 10ms;

JobPointer own(std::string name, bool at_once = false) {
  auto job = std::make_shared<Job>();
  job->check.check = {model::CheckKind::service, std::move(name)};
  job->at_once = at_once;
  return job;
}
JobPointer asked(std::string id, bool at_once = false) {
  auto job = own(id, at_once);
  job->request_id = std::move(id);
  job->expires = kStart + 60s;
  return job;
}
std::string name(const JobPointer& job) { return job ? job->check.check.target : ""; }

TEST(Turns, TheHostsOwnComeBeforeRequestsAndEachLineHasItsWorkers) {
  Turns turns({2, 4}, {1, 2}, 8);
  turns.add_asked(asked("r1"));
  turns.add_asked(asked("r2"));
  for (const char* check : {"a", "b", "c"}) turns.add(own(check));
  EXPECT_EQ(name(turns.next()), "a");
  const JobPointer b = turns.next();
  EXPECT_EQ(name(b), "b");
  EXPECT_EQ(name(turns.next()), "r1");
  EXPECT_EQ(turns.next(), nullptr);
  turns.ended(*b);
  EXPECT_EQ(name(turns.next()), "c");
  EXPECT_EQ(turns.next(), nullptr);
}

TEST(Turns, WhatIsAtOnceWaitsForNoOther) {
  Turns turns({1, 4}, {1, 2}, 8);
  turns.add(own("a"));
  turns.add(own("b"));
  EXPECT_EQ(name(turns.next()), "a");
  EXPECT_EQ(turns.next(), nullptr);
  turns.add(own("event", true));
  EXPECT_EQ(name(turns.next()), "event");
  EXPECT_EQ(turns.next(), nullptr);
  turns.add_asked(asked("scan1"));
  turns.add_asked(asked("scan2"));
  EXPECT_EQ(name(turns.next()), "scan1");
  turns.add_asked(asked("restart", true));
  EXPECT_EQ(name(turns.next()), "restart");
  EXPECT_EQ(turns.next(), nullptr);
}

TEST(Turns, WhatIsWantedWhileItWaitsIsMovedUp) {
  Turns turns({1, 4}, {1, 2}, 8);
  const JobPointer wanted = own("wanted");
  const JobPointer last = own("last");
  turns.add(own("long"));
  turns.add(own("next"));
  turns.add(wanted);
  turns.add(last);
  EXPECT_EQ(name(turns.next()), "long");
  turns.move_up(wanted);
  turns.move_up(own("not waiting"));
  EXPECT_EQ(name(turns.next()), "wanted");
  turns.move_up(last);
  EXPECT_EQ(turns.next(), nullptr) << "one more than the workers, not as many as are wanted";
  turns.ended(*wanted);
  EXPECT_EQ(name(turns.next()), "last") << "each once";
}

TEST(Turns, RefusesAndCountsWhatIsTooMuch) {
  Turns turns({1, 2}, {1, 2}, 3);
  int admitted = 0;
  for (int i = 0; i < 10; ++i) {
    if (!turns.admit()) continue;
    turns.add_asked(asked(std::to_string(i)));
    ++admitted;
  }
  EXPECT_EQ(admitted, 3);
  EXPECT_EQ(turns.refused(), 7U);
  EXPECT_EQ(name(turns.next()), "0");
  EXPECT_TRUE(turns.admit());
  EXPECT_EQ(turns.refused(), 7U);
}

TEST(Turns, StuckRequestsTakeNoThreadOfTheHostsOwn) {
  Turns turns({1, 2}, {1, 2}, 8);
  for (const char* id : {"r1", "r2", "r3"}) turns.add_asked(asked(id));
  const JobPointer first = turns.next();
  turns.stuck(*first);
  turns.stuck(*turns.next());
  EXPECT_EQ(turns.next(), nullptr);
  EXPECT_EQ(turns.stuck_own(), 0U);
  turns.add(own("a"));
  EXPECT_EQ(turns.next_without_thread(), nullptr);
  EXPECT_EQ(name(turns.next()), "a");
  turns.unstuck(*first);
  EXPECT_EQ(name(turns.next()), "r3");
}

TEST(Turns, SaysWhichOwnRunsFindNoThread) {
  Turns turns({1, 2}, {1, 1}, 8);
  for (const char* check : {"a", "b", "c"}) turns.add(own(check));
  turns.stuck(*turns.next());
  EXPECT_EQ(turns.next_without_thread(), nullptr);
  turns.stuck(*turns.next());
  EXPECT_EQ(name(turns.next_without_thread()), "c");
  EXPECT_EQ(turns.next_without_thread(), nullptr);
}

// One run of several jobs takes one worker, and only of the line of its first.
TEST(Turns, TakesOthersAlongIntoTheSameRun) {
  Turns turns({1, 2}, {1, 1}, 8);
  for (const char* check : {"a", "other", "b"}) turns.add(own(check));
  turns.add_asked(asked("a-asked"));
  const JobPointer first = turns.next();
  std::vector<std::string> along;
  turns.take_along(*first, [&](const JobPointer& job) {
    if (name(job) == "other") return false;
    along.push_back(name(job));
    return true;
  });
  EXPECT_EQ(along, std::vector<std::string>{"b"});
  EXPECT_EQ(name(turns.next()), "a-asked");
  EXPECT_EQ(turns.next(), nullptr);
  turns.ended(*first);
  EXPECT_EQ(name(turns.next()), "other");
  EXPECT_EQ(turns.next(), nullptr);
}

TEST(Turns, ARequestThatWaitedTooLongIsNotBegun) {
  Turns turns({1, 1}, {1, 1}, 8);
  for (const char* id : {"r1", "r2", "r3"}) turns.add_asked(asked(id));
  const JobPointer first = turns.next();
  EXPECT_TRUE(turns.take_expired(kStart + 59s).empty());
  const auto expired = turns.take_expired(kStart + 60s);
  ASSERT_EQ(expired.size(), 2U);
  EXPECT_EQ(name(expired[0]), "r2");
  EXPECT_EQ(name(expired[1]), "r3");
  turns.ended(*first);
  EXPECT_EQ(turns.next(), nullptr);
}

// A host with its checks under a clock of the test's own: how late each starts, whatever is asked.
class Day {
 public:
  explicit Day(Duration run) : run_(run) {}

  void run_until(MonoTime end) {
    for (; now_ < end; now_ = now_ + kStep) {
      end_runs();
      for (auto& [check, due] : due_) {
        if (now_ < due || check->state != Job::State::waiting) continue;
        since_[check] = due;
        turns.add(check);
      }
      while (const JobPointer job = turns.next()) begin(job);
    }
  }
  void add_check(const std::string& check) { due_.emplace(own(check), now_); }
  void ask(const std::string& id, Duration takes) {
    if (!turns.admit()) return;
    const JobPointer job = asked(id);
    takes_[job] = takes;
    turns.add_asked(job);
  }

  Turns turns{{2, 10}, {2, 3}, 32};
  Duration latest{};                // between when a check was due and its start
  int runs = 0;                     // of the host's own
  std::vector<std::string> served;  // requests in the order of their start
  std::size_t most_at_once = 0;     // requests that ran at the same time

 private:
  void begin(const JobPointer& job) {
    job->state = Job::State::running;
    if (job->asked()) {
      ends_[job] = now_ + takes_.at(job);
      served.push_back(job->request_id);
      ++asked_running_;
      most_at_once = std::max(most_at_once, asked_running_);
      return;
    }
    ends_[job] = now_ + run_;
    latest = std::max(latest, now_ - since_.at(job));
    ++runs;
  }
  void end_runs() {
    std::erase_if(ends_, [&](const auto& run) {
      const auto& [job, end] = run;
      if (now_ < end) return false;
      turns.ended(*job);
      job->state = Job::State::waiting;
      if (job->asked()) {
        --asked_running_;
      } else {
        due_.at(job) = now_ + 1s;
      }
      return true;
    });
  }

  Duration run_;
  MonoTime now_ = kStart;
  std::map<JobPointer, MonoTime> due_;  // of the host's own checks
  std::map<JobPointer, MonoTime> since_;
  std::map<JobPointer, MonoTime> ends_;  // of what runs
  std::map<JobPointer, Duration> takes_;
  std::size_t asked_running_ = 0;
};

TEST(Turns, ThirtyScansAtOnceDelayNoCheckOfTheHost) {
  Day day(40ms);
  for (const char* check : {"a", "b", "c", "d", "e"}) day.add_check(check);
  day.run_until(kStart + 10s);
  const Duration alone = day.latest;
  const int runs_alone = day.runs;
  for (int i = 0; i < 30; ++i) day.ask("scan" + std::to_string(i), 10s);
  day.run_until(kStart + 170s);
  EXPECT_EQ(day.latest, alone);
  EXPECT_GE(day.runs, 16 * runs_alone);
  ASSERT_EQ(day.served.size(), 30U);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(day.served[i], "scan" + std::to_string(i));
  EXPECT_EQ(day.most_at_once, 2U);
  EXPECT_EQ(day.turns.refused(), 0U);
}

TEST(Turns, NoLoadOfRequestsDelaysACheck) {
  EXPECT_TRUE(rc::check("checks start as if nobody asked", [] {
    const Duration run = *rc::gen::elementOf(std::vector<Duration>{10ms, 40ms, 200ms});
    Day day(run);
    Day with(run);
    const int checks = *rc::gen::inRange(1, 6);
    for (int i = 0; i < checks; ++i) {
      day.add_check("check" + std::to_string(i));
      with.add_check("check" + std::to_string(i));
    }
    const int requests = *rc::gen::inRange(0, 60);
    for (int i = 0; i < requests; ++i) {
      with.ask(std::to_string(i), std::chrono::milliseconds(*rc::gen::inRange(1, 30'000)));
    }
    day.run_until(kStart + 20s);
    with.run_until(kStart + 20s);
    RC_ASSERT(with.latest == day.latest);
    RC_ASSERT(with.runs == day.runs);
    RC_ASSERT(with.most_at_once <= 2U);
    RC_ASSERT(with.turns.refused() == static_cast<std::uint64_t>(std::max(0, requests - 32)));
  }));
}

}  // namespace
}  // namespace tocsin::agent
