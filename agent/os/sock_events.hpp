// TCP connections that end, as the kernel tells it (NETLINK_SOCK_DIAG, group "destroy"): so that
// one which came and went between two looks at the socket table is seen too. Needs no privilege;
// only the network namespace that this process is in is heard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/os/files.hpp"
#include "agent/os/sock_diag.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// Thread: one at a time.
class SocketEvents {
 public:
  // `buffer`: bytes that the kernel keeps for us, if net.core.rmem_max allows. Errors:
  // permission_denied, unavailable (a kernel without it): only looks remain then.
  static Result<SocketEvents> open(int buffer = 4 << 20);

  // Appends the sockets that ended since the last call, at most about `limit`; never waits.
  void read(std::size_t limit, std::vector<Socket>& into);
  // How often the kernel had more than fitted in its buffer. Each time some were lost, it does not
  // say how many.
  std::uint32_t overflows() const { return overflows_; }

 private:
  explicit SocketEvents(Fd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}
  static constexpr std::size_t kBufferBytes = 32768;
  Fd fd_;
  std::vector<char> buffer_;
  std::uint32_t overflows_ = 0;
};

}  // namespace tocsin::agent::os
