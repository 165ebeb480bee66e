#include "common/net/tcp_ping.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>

#include <poll.h>

#include "common/net/tcp.hpp"

namespace tocsin::net {
namespace {

constexpr Duration kLastAnswer = 1s;       // how long one connection is waited for
constexpr Duration kSlice = 100ms;         // so that a stop is heard
constexpr std::size_t kConnections = 128;  // at the same time

struct Attempt {
  std::size_t target = 0;
  Fd fd;
  MonoTime began;
};

class Connections {
 public:
  Connections(std::span<const PingPlan> plans, MonoTime deadline, const time::TimeSource& time)
      : plans_(plans), deadline_(deadline), time_(time), results_(plans.size()) {
    for (PingResult& result : results_) result.method = model::PingMethod::tcp;
  }

  Result<std::vector<PingResult>> run(std::stop_token stop) {
    while (next_ < plans_.size() || !open_.empty()) {
      if (stop.stop_requested()) return fail(ErrorCode::deadline_exceeded, "stopped while pinging");
      while (next_ < plans_.size() && open_.size() < kConnections) begin(next_++);
      if (open_.empty()) continue;
      wait();
    }
    return std::move(results_);
  }

 private:
  // Connects until something has to be waited for.
  void begin(std::size_t target) {
    const PingPlan& plan = plans_[target];
    PingResult& result = results_[target];
    while (static_cast<int>(result.sent) < plan.packets) {
      const MonoTime now = time_.steady();
      if (now >= deadline_) return;
      ++result.sent;
      Connecting connecting =
          begin_connect(plan.address, static_cast<std::uint16_t>(plan.tcp_port));
      if (connecting.error == EINPROGRESS) {
        open_.push_back({target, std::move(connecting.fd), now});
        return;
      }
      note(target, connecting.error, now);
    }
  }

  void note(std::size_t target, int error, MonoTime began) {
    PingResult& result = results_[target];
    if (error == 0 || error == ECONNREFUSED) {
      result.add(time_.steady() - began);
    } else if (error == ENETUNREACH || error == EHOSTUNREACH) {
      ++result.unreachable;
      result.refusal = error == ENETUNREACH ? Refusal::no_route : Refusal::unreachable;
    }
  }

  void wait() {
    const MonoTime now = time_.steady();
    MonoTime until = std::min(deadline_, now + kSlice);
    std::vector<pollfd> waiting;
    for (const Attempt& attempt : open_) {
      waiting.push_back({attempt.fd.get(), POLLOUT, 0});
      until = std::min(until, attempt.began + kLastAnswer);
    }
    const Duration left = until > now ? until - now : Duration{};
    ::poll(waiting.data(), waiting.size(), static_cast<int>((left.count() + 999'999) / 1'000'000));
    const MonoTime after = time_.steady();
    std::vector<Attempt> before = std::move(open_);
    open_.clear();
    for (std::size_t i = 0; i < before.size(); ++i) {
      Attempt& attempt = before[i];
      if (waiting[i].revents != 0) {
        note(attempt.target, connect_error(attempt.fd), attempt.began);
      } else if (after - attempt.began < kLastAnswer && after < deadline_) {
        open_.push_back(std::move(attempt));
        continue;
      }
      begin(attempt.target);
    }
  }

  std::span<const PingPlan> plans_;
  MonoTime deadline_;
  const time::TimeSource& time_;
  std::vector<PingResult> results_;
  std::vector<Attempt> open_;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::vector<PingResult>> ping_tcp(std::span<const PingPlan> plans, MonoTime deadline,
                                         const time::TimeSource& time, std::stop_token stop) {
  return Connections(plans, deadline, time).run(std::move(stop));
}

}  // namespace tocsin::net
