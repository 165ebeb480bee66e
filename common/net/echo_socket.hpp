// One ICMP socket that sends and receives echo messages in batches. Owns its buffers; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "common/base/result.hpp"
#include "common/net/icmp.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::net {

class EchoSocket {
 public:
  // For IPv4 or IPv6. `answers`: how many that come at once it has room for, if the kernel agrees.
  // Its error is an errno.
  static tl::expected<EchoSocket, int> open(bool v6, std::size_t answers,
                                            const time::TimeSource& time);
  EchoSocket(EchoSocket&&) noexcept;
  EchoSocket& operator=(EchoSocket&&) noexcept;
  ~EchoSocket();

  static constexpr std::size_t kBatch = 64;
  struct Request {
    std::uint32_t serial = 0;
    std::uint16_t sequence = 0;
    IpAddress to;
    std::uint32_t interface = 0;  // of a link-local address
  };
  // What came of the first requests of a batch. `error` is that of requests[sent], where it is not
  // 0; EAGAIN and ENOBUFS pass.
  struct Sent {
    std::size_t sent = 0;
    int error = 0;
    MonoTime began, ended;  // of the call that sent them
  };
  // REQUIRES: at most kBatch requests.
  Sent send(std::span<const Request> requests);

  struct Received {
    EchoAnswer answer;
    IpAddress from;  // of a reply
    MonoTime at;
  };
  // Up to kBatch answers that are there, never waits. The span is good until the next call. `more`:
  // there may be others.
  std::span<const Received> receive(bool& more);

  int descriptor() const;
  model::PingMethod method() const;
  std::size_t room() const;  // for answers that come at once

 private:
  struct Parts;
  explicit EchoSocket(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace tocsin::net
