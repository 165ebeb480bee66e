// Keeps the curves of every host, beside the journal and never in it: one file of fixed size for
// each agent. What cannot be written at once is dropped and counted; nothing is decided by it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/series/series_file.hpp"

namespace tocsin::collector {

struct SampleStoreOptions {
  std::string folder;               // made where it is not there
  series::Shape shape{256, 2880};   // 24 hours at a look every 30 s; at most 17 MiB a host
  std::size_t waiting = 1024;       // messages not written yet
  Duration keep_silent = 30 * 24h;  // then the file of an agent that sends nothing is removed
};

// Thread-safe. One thread of its own writes.
class SampleStore {
 public:
  explicit SampleStore(SampleStoreOptions options);
  ~SampleStore();
  SampleStore(const SampleStore&) = delete;
  SampleStore& operator=(const SampleStore&) = delete;

  // Never waits.
  void put(const AgentId& agent, std::vector<series::Sample> samples);
  // Points of the series whose names begin so, from `since` on, series by series. Empty where there
  // are none. Errors: as the system says.
  Result<std::vector<series::Sample>> read(const AgentId& agent, std::string_view prefix,
                                           Instant since) const;
  // Removes the files of agents that were silent for long.
  void prune(Instant now);
  // Waits until what was put is written; for tests.
  void flush();

  std::uint64_t kept() const;     // points
  std::uint64_t dropped() const;  // points

 private:
  struct Waiting {
    AgentId agent;
    std::vector<series::Sample> samples;
  };
  void run();
  void write(const Waiting& one);
  std::string file_of(const AgentId& agent) const;

  const SampleStoreOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool writing_ = false;
  bool stopping_ = false;
  bool failing_ = false;
  std::uint64_t kept_ = 0;
  std::uint64_t dropped_ = 0;
  std::thread thread_;  // last: it uses the others
};

}  // namespace tocsin::collector
