// A bounded pool for work that blocks (database, waiting for the judge), so that it never runs on
// gRPC's or the HTTP server's own threads. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace tocsin::collector {

class Workers {
 public:
  // At most `threads` jobs run and `waiting` more are kept.
  Workers(std::size_t threads, std::size_t waiting);
  ~Workers();  // finishes the accepted jobs first
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False where the pool is full or stopped: the job is not kept, and it is counted.
  bool post(std::function<void()> job);
  // Takes no more jobs and waits for those accepted. Idempotent.
  void stop();

  std::uint64_t rejected() const;
  std::size_t busy() const;  // running and waiting

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin::collector
