// Processes that hold connected pairs of loopback sockets and do nothing, for the benchmarks of a
// host that has many of both. In the network namespace of the caller.
#pragma once

#include <vector>

#include <sys/types.h>

namespace tocsin::bench {

// Prints what failed with the system's reason and ends the program.
[[noreturn]] void give_up(const char* what);

class Crowd {
 public:
  // `sockets` in all, a listener in each process; 0: none. Raises the limit of open files. Ends the
  // program where it cannot.
  Crowd(int sockets, int processes);
  ~Crowd();  // ends the processes
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

 private:
  std::vector<pid_t> pids_;
};

}  // namespace tocsin::bench
