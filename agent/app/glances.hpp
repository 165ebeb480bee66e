// Cheap looks between the runs of checks, on a thread of their own: ten a second must not wake the
// event loop, which costs three times what the look does. Where the kernel tells that it is time to
// look, they look then, and far less often by themselves.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "agent/checks/check.hpp"
#include "agent/os/listen_events.hpp"
#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// Thread-safe. The thread ends with the object.
class Glances {
 public:
  // `seen` is called on the glances' thread, once for each begin(), and never waits.
  // `told`: when all of them are due at once; none: only their time says it.
  Glances(const time::TimeSource& time, std::function<void(const model::CheckRef&)> seen,
          std::optional<os::ListenEvents> told);
  ~Glances();
  Glances(const Glances&) = delete;
  Glances& operator=(const Glances&) = delete;

  bool is_told() const { return told_.has_value(); }

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
  // At those that are due, or at all; how long until the next one, nothing where it is to stop.
  std::optional<Duration> look(bool at_all);
  bool wait(Duration longest);  // true where the kernel told something
  void nudge();

  const time::TimeSource& time_;
  const std::function<void(const model::CheckRef&)> seen_;
  std::mutex mutex_;  // held while a glance looks
  std::map<model::CheckRef, One> all_;
  bool stopping_ = false;
  std::optional<os::ListenEvents> told_;
  os::Fd nudge_;    // written to where the thread has to see what there is to do
  os::Fd watched_;  // epoll
  std::thread thread_;
};

}  // namespace tocsin::agent
