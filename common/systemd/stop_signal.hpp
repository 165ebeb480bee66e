// SIGTERM and SIGINT as a request to stop, SIGHUP as one to read the configuration again.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

#include "common/base/instant.hpp"

namespace tocsin::systemd {

// Make one in main, before any other thread is started: the signals are blocked in this thread and
// in all that it starts, and a thread of this object waits for them. SIGPIPE is ignored. At most
// one in a process.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Stop is requested once a signal came. Callbacks run on this object's thread.
  std::stop_token token() const { return source_.get_token(); }
  // Returns when a signal came or request_stop was called.
  void wait() const;
  void request_stop();

  enum class Event { nothing, stop, reload };
  // Waits at most `longest`. Each SIGHUP is told once; several before a call are one. One thread.
  Event wait_for(Duration longest);

 private:
  void watch();
  void tell();

  std::stop_source source_;
  std::atomic<bool> reload_ = false;
  int signals_ = -1;  // signalfd
  int wake_ = -1;     // eventfd: the watching thread ends
  int told_ = -1;     // eventfd: a signal came
  std::thread thread_;
};

}  // namespace tocsin::systemd
