#include "common/net/sweep.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/random.h>

#include "common/net/echo_socket.hpp"

namespace tocsin::net {
namespace {

constexpr Duration kBlocked = 1ms;  // until sending is tried again where a queue is full
constexpr Duration kSlice = 100ms;  // so that a stop is heard
constexpr int kReadsBetween = 8;    // batches of answers read before more is sent

std::uint64_t random_number() {
  std::uint64_t value = 0;
  TOCSIN_CHECK(::getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

// The socket of a family, or why there is none.
struct Opened {
  std::optional<EchoSocket> socket;
  int error = EAFNOSUPPORT;
};

class Sweep {
 public:
  Sweep(std::span<const PingPlan> plans, const SweepPace& pace, std::array<Opened, 2> sockets,
        const time::TimeSource& time)
      : plans_(plans),
        sockets_(std::move(sockets)),
        time_(time),
        core_(plans, pace, random_number()) {}

  Result<std::vector<PingResult>> run(MonoTime deadline, const std::stop_token& stop) {
    while (!core_.done()) {
      if (stop.stop_requested()) return fail(ErrorCode::deadline_exceeded, "stopped while pinging");
      const MonoTime now = time_.steady();
      if (now >= deadline) break;
      core_.expire(now);
      const bool sent = send(now);
      const bool heard = receive();
      if (!sent && !heard && !core_.done()) wait(deadline);
    }
    std::vector<PingResult> results = core_.results();
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::optional<EchoSocket>& socket = of_family(plans_[i].address.v6).socket;
      if (socket) results[i].method = socket->method();
    }
    return results;
  }

 private:
  Opened& of_family(bool v6) { return sockets_[v6 ? 1 : 0]; }

  // One batch at most. False where nothing could be sent.
  bool send(MonoTime now) {
    blocked_ = false;
    if (first_ == count_) {
      first_ = 0;
      count_ = core_.take_due(now, probes_);
    }
    if (count_ == 0) return false;
    // Those of one family that stand together.
    const bool v6 = plans_[probes_[first_].target].address.v6;
    std::size_t n = 0;
    for (; first_ + n < count_; ++n) {
      const Probe& probe = probes_[first_ + n];
      const PingPlan& plan = plans_[probe.target];
      if (plan.address.v6 != v6) break;
      requests_[n] = {probe.serial, probe.sequence, plan.address, plan.interface};
    }
    Opened& opened = of_family(v6);
    if (!opened.socket) {
      fail_first(opened.error, now);
      return true;
    }
    const auto done = opened.socket->send({requests_.data(), n});
    // One call sends many, one after the other: each gets its part of the time.
    const auto parts = static_cast<std::int64_t>(done.sent + 1);
    const Duration each = (done.ended - done.began) / parts;
    for (std::size_t i = 0; i < done.sent; ++i) {
      core_.sent(probes_[first_++], done.began + each * static_cast<std::int64_t>(i));
    }
    if (done.error != 0) fail_first(done.error, done.ended);
    return !blocked_;
  }

  void fail_first(int error, MonoTime at) {
    if (error == EAGAIN || error == ENOBUFS) {
      blocked_ = true;
      return;
    }
    Refusal refusal = Refusal::none;
    if (error == ENETUNREACH) refusal = Refusal::no_route;
    if (error == EHOSTUNREACH) refusal = Refusal::unreachable;
    core_.not_sent(probes_[first_++], at, refusal, error);
  }

  bool receive() {
    bool heard = false;
    for (Opened& opened : sockets_) {
      bool more = opened.socket.has_value();
      for (int i = 0; more && i < kReadsBetween; ++i) {
        for (const EchoSocket::Received& one : opened.socket->receive(more)) {
          core_.take(one.answer, one.from, one.at);
          heard = true;
        }
      }
    }
    return heard;
  }

  void wait(MonoTime deadline) {
    const MonoTime now = time_.steady();
    Duration pause = std::min(deadline - now, kSlice);
    if (blocked_) {
      pause = std::min(pause, kBlocked);
    } else if (const auto next = core_.next()) {
      pause = std::min(pause, *next > now ? *next - now : Duration{});
    }
    if (pause <= 0ns) return;
    std::array<pollfd, 2> waiting{};
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      const std::optional<EchoSocket>& socket = sockets_[i].socket;
      waiting[i] = {socket ? socket->descriptor() : -1, POLLIN, 0};
    }
    timespec limit{};
    limit.tv_sec = pause / 1s;
    limit.tv_nsec = (pause % 1s).count();
    ::ppoll(waiting.data(), waiting.size(), &limit, nullptr);
  }

  std::span<const PingPlan> plans_;
  std::array<Opened, 2> sockets_;  // IPv4, IPv6
  const time::TimeSource& time_;
  SweepCore core_;
  std::array<Probe, EchoSocket::kBatch> probes_{};  // given by the core, not all sent yet
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::array<EchoSocket::Request, EchoSocket::kBatch> requests_{};
  bool blocked_ = false;
};

}  // namespace

Result<std::vector<PingResult>> sweep(std::span<const PingPlan> plans, SweepPace pace,
                                      MonoTime deadline, const time::TimeSource& time,
                                      const std::stop_token& stop) {
  if (plans.size() > kMostTargets) return fail(ErrorCode::invalid_argument, "too many addresses");
  std::array<Opened, 2> sockets;
  for (const bool v6 : {false, true}) {
    const auto of_family = [&](const PingPlan& plan) { return plan.address.v6 == v6; };
    if (std::none_of(plans.begin(), plans.end(), of_family)) continue;
    auto socket = EchoSocket::open(v6, pace.in_flight, time);
    Opened& opened = sockets[v6 ? 1 : 0];
    if (!socket) {
      opened.error = socket.error();
      continue;
    }
    pace.in_flight = std::min(pace.in_flight, socket->room());
    opened.socket = *std::move(socket);
  }
  return Sweep(plans, pace, std::move(sockets), time).run(deadline, stop);
}

}  // namespace tocsin::net
