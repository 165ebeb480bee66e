// SIGTERM and SIGINT as a request to stop.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

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
  void request_stop() { source_.request_stop(); }

 private:
  void watch();

  std::stop_source source_;
  int signals_ = -1;  // signalfd
  int wake_ = -1;     // eventfd
  std::thread thread_;
};

}  // namespace tocsin::systemd
