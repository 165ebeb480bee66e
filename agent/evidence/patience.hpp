// Reads each source of evidence on a thread of its own: one that blocks for ever (a network file
// system that is gone, a process that the kernel holds) must not take with it what can be had.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/instant.hpp"

namespace tocsin::agent {

// Thread: one. Readings that were left behind keep their threads until they end by themselves.
class Patience {
 public:
  struct Limits {
    // Without a sign of life for so long, at most twice that, a reading is left behind.
    Duration silence = 30s;
    std::size_t left_behind = 4;  // at one time; with so many nothing more is begun
  };
  explicit Patience(const Limits& limits) : limits_(limits) {}

  // One reading, as its thread and the one who waits see it.
  class Reading {
   public:
    void sign_of_life();  // to be given now and then by what takes long

   private:
    friend class Patience;
    void end();
    bool ended();
    bool wait(Duration silence);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t signs_ = 0;
    bool ended_ = false;
  };

  // What `read` returned, or nothing: it was left behind, or not begun. `read` must own all that it
  // uses, which may outlive this.
  template <class T>
  std::optional<T> get(std::function<T(Reading&)> read) {
    const auto got = std::make_shared<std::optional<T>>();
    const bool ended =
        run([got, read = std::move(read)](Reading& reading) { got->emplace(read(reading)); });
    return ended ? std::move(*got) : std::nullopt;
  }

  // Why get() had nothing the last time, for an operator.
  const std::string& why() const { return why_; }

 private:
  bool run(std::function<void(Reading&)> read);

  Limits limits_;
  std::vector<std::shared_ptr<Reading>> left_behind_;
  std::string why_;
};

}  // namespace tocsin::agent
