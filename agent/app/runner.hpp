// Runs checks on threads of their own and gives their observations back to one event loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "agent/checks/check.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

// The loop's thread calls everything and receives everything. A check that never ends keeps its
// thread: stop() leaves such threads behind instead of waiting for them.
class Runner {
 public:
  // `threads`: at most this many checks at once, also those that are stuck.
  explicit Runner(std::size_t threads);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // What the run saw, and how long it had a processor.
  using Done = std::function<void(std::vector<model::Observation>, Duration cost)>;
  // REQUIRES: fewer than `threads` are running; a context for each check. The contexts belong to
  // the run until `done` is called on the loop. Where the run throws, all of its checks are
  // `failed`.
  void start(RunTogether run, std::vector<model::CheckDefinition> checks,
             std::vector<std::shared_ptr<CheckContext>> contexts, Done done);
  std::size_t running() const { return running_; }
  std::size_t threads() const { return threads_; }

  // Handles what happens until `limit` passed, or wake() was called, or something was handled.
  void wait(Duration limit);
  // Calls `ready` once, in a wait(), as soon as the descriptor can be read; ask again afterwards.
  // It stays the caller's and must outlive this.
  void when_readable(int descriptor, std::function<void()> ready);
  // From any thread: ends a wait().
  std::function<void()> waker() const;
  // From any thread: runs `work` on the loop, if the loop's owner waits again.
  std::function<void(std::function<void()> work)> poster() const;

 private:
  struct Shared;
  std::size_t threads_;
  std::size_t running_ = 0;
  std::shared_ptr<Shared> shared_;
};

}  // namespace tocsin::agent
