// When an event brings a look, and that none is forgotten.
#include "agent/app/job.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tocsin::agent {
namespace {

constexpr Duration kHour = 1h;

MonoTime at(int milliseconds) { return MonoTime{} + 1h + milliseconds * 1ms; }

// Lives the job through events at these milliseconds, each run taking `took`; when runs began.
std::vector<int> looks(const std::multiset<int>& events, int took, int until) {
  Job job;
  job.due = at(0) + kHour;
  std::vector<int> began;
  int ends = -1;
  for (int now = 0; now <= until; ++now) {
    if (job.state == Job::State::running && now >= ends) {
      job.state = Job::State::waiting;
      plan_after_run(job, at(now) + kHour, at(now));
    }
    for (std::size_t n = events.count(now); n > 0; --n) take_event(job, at(now));
    if (job.state == Job::State::waiting && job.due <= at(now)) {
      job.state = Job::State::running;
      job.at_once = false;
      began.push_back(now);
      ends = now + took;
    }
  }
  return began;
}

TEST(Job, AnEventBringsALookAtOnce) { EXPECT_EQ(looks({100}, 5, 3000), std::vector<int>{100}); }

TEST(Job, WhatIsToldWhileALookRunsBringsOneMore) {
  EXPECT_EQ(looks({100, 102, 103, 104}, 10, 3000), (std::vector<int>{100, 110}));
}

TEST(Job, TheOneTooManyThatComesWhileALookRunsIsLookedAtWhenTheSecondHasPassed) {
  std::multiset<int> events;
  for (int i = 0; i < 20; ++i) events.insert(100 + 10 * i);  // a look each
  events.insert(293);                                        // while the last of them runs
  const std::vector<int> began = looks(events, 5, 5000);
  ASSERT_EQ(began.size(), 21U);
  EXPECT_EQ(began.back(), 1100);
}

// A run that hangs was given up; what happened meanwhile is looked at when it has ended.
TEST(Job, WhatIsToldWhileARunIsStuckIsNotForgotten) {
  Job job;
  job.due = at(0) + kHour;
  job.state = Job::State::stuck;
  take_event(job, at(10));
  job.state = Job::State::waiting;
  plan_after_run(job, job.due, at(500));
  EXPECT_EQ(job.due, at(500));
  job.state = Job::State::running;
  plan_after_run(job, at(0) + kHour, at(510));
  job.state = Job::State::waiting;
  take_event(job, at(900));
  EXPECT_EQ(job.due, at(900));  // Nor are those that come later.
}

RC_GTEST_PROP(Job, EveryEventIsFollowedByALookWithinASecondAndNoneBringsMany, ()) {
  const int took = *rc::gen::inRange(1, 60);
  const auto times = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4000));
  const std::multiset<int> events(times.begin(), times.end());
  const std::vector<int> began = looks(events, took, 8000);
  for (const int event : events) {
    const auto look = std::lower_bound(began.begin(), began.end(), event);
    RC_ASSERT(look != began.end());
    RC_ASSERT(*look <= event + 1000 + took);
  }
  RC_ASSERT(began.size() <= events.size());
  for (std::size_t i = 45; i < began.size(); ++i) RC_ASSERT(began[i] - began[i - 45] >= 1000);
}

// ---- Who asks for a run

std::vector<std::string> ids(const std::vector<Asker>& askers) {
  std::vector<std::string> all;
  for (const Asker& asker : askers) all.push_back(asker.request_id);
  return all;
}

TEST(Job, WhoAsksBringsTheRunForwardAndIsAnsweredByItOnce) {
  Job job;
  job.due = at(0) + kHour;
  take_asker(job, {"one", at(500)}, "", at(10));
  EXPECT_EQ(job.due, at(10));
  EXPECT_TRUE(job.at_once) << "it does not wait behind the host's long runs";
  job.state = Job::State::running;
  take_asker(job, {"two", at(500)}, "", at(20));
  EXPECT_TRUE(expired(job, at(1000)).empty()) << "a run that began is waited for";
  EXPECT_EQ(ids(answered(job)), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(answered(job).empty());
  EXPECT_FALSE(job.again);
}

TEST(Job, WhoAsksAboutOtherPortsThanThoseOfTheRunHasTheNextOne) {
  Job job;
  job.state = Job::State::running;
  take_asker(job, {"any", at(500)}, "", at(10));
  take_asker(job, {"4444", at(500)}, "4444", at(10));
  EXPECT_EQ(ids(answered(job)), std::vector<std::string>{"any"});
  plan_after_run(job, at(0) + kHour, at(20));
  EXPECT_EQ(job.due, at(20));
  EXPECT_EQ(job.check.ports, "4444");
  EXPECT_EQ(ids(answered(job)), std::vector<std::string>{"4444"});
}

TEST(Job, ARunThatNobodyHasTheResultOfLeavesAllToTheNext) {
  Job job;
  job.state = Job::State::running;
  take_asker(job, {"any", at(500)}, "", at(10));
  take_asker(job, {"4444", at(500)}, "4444", at(10));
  leave_to_next(job);
  EXPECT_EQ(ids(answered(job)), (std::vector<std::string>{"any", "4444"}));
}

TEST(Job, WhoAskedAndWaitsTooLongForARunIsToldSo) {
  Job job;
  job.state = Job::State::queued;
  take_asker(job, {"soon", at(100)}, "", at(10));
  take_asker(job, {"later", at(500)}, "", at(10));
  EXPECT_EQ(ids(expired(job, at(100))), std::vector<std::string>{"soon"});
  EXPECT_EQ(ids(answered(job)), std::vector<std::string>{"later"});
}

}  // namespace
}  // namespace tocsin::agent
