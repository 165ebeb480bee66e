// TCP sockets that begin to listen, as the kernel tells it: its trace point for changes of a
// socket's state, on each processor. Of this whole kernel, other network namespaces included; only
// that it happened, not what listens. Needs CAP_PERFMON and tracefs, which systemd mounts; costs
// the host about 0.2 us for each change of state of any connection, and this process a wake for a
// listener.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// Thread: one at a time. A processor that is put in later is not heard: who listens to this looks
// by itself now and then as well.
class ListenEvents {
 public:
  // `root`: where the host's files are. Errors: not_found (no tracefs, or not this trace point),
  // permission_denied, unavailable; only looks remain then.
  static Result<ListenEvents> open(std::string_view root);
  ListenEvents(ListenEvents&&) = default;
  ListenEvents& operator=(ListenEvents&&) = default;

  // To be watched with epoll for EPOLLIN. They are ready once for what came; poll of an epoll
  // descriptor that holds them takes that away.
  std::vector<int> descriptors() const;
  // Makes room for what comes.
  void take();

 private:
  struct Unmap {
    void operator()(void* pages) const;
  };
  struct Processor {
    Fd fd;
    std::unique_ptr<void, Unmap> pages;
  };
  explicit ListenEvents(std::vector<Processor> processors) : processors_(std::move(processors)) {}
  static Result<Processor> open_one(std::uint64_t trace_point, int processor);
  std::vector<Processor> processors_;
};

}  // namespace tocsin::agent::os
