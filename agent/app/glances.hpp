// Cheap looks between the runs of checks, on a thread of their own: ten a second must not wake the
// event loop, which costs three times what the look does.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "agent/checks/check.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Thread-safe. The thread ends with the object.
class Glances {
 public:
  // `seen` is called on the glances' thread, once for each begin(), and never waits.
  Glances(const time::TimeSource& time, std::function<void(const model::CheckRef&)> seen);
  ~Glances();
  Glances(const Glances&) = delete;
  Glances& operator=(const Glances&) = delete;

  // Glances first at `first`, then each `every`, until one sees something new or end() is called.
  // Takes the place of what was begun for the same check.
  void begin(const model::CheckRef& check, const Glance& glance,
             std::shared_ptr<CheckContext> context, MonoTime first, Duration every);
  // From its return on no glance uses the context.
  void end(const model::CheckRef& check);

 private:
  struct One {
    Glance glance;
    std::shared_ptr<CheckContext> context;
    MonoTime due;
    Duration every;
  };
  void work();
  MonoTime look(MonoTime now);  // when the next one is due

  const time::TimeSource& time_;
  const std::function<void(const model::CheckRef&)> seen_;
  std::mutex mutex_;  // held while a glance looks
  std::condition_variable sooner_;
  std::map<model::CheckRef, One> all_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tocsin::agent
