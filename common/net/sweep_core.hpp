// Which echo request to send when, which answer belongs to which, and when a target is given up
// (procedure M-01). Pure: the time is an argument, sweep.hpp does the sending.
//
// Every target ends exactly once: when everything sent to it was answered or refused, or nothing
// answered its last packet within the timeout. What comes after that counts no more. The timeout is
// learned from all round trips as TCP does it (RFC 6298), and doubles with each further packet to a
// target that never answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "common/base/instant.hpp"
#include "common/net/icmp.hpp"
#include "common/net/ping_plan.hpp"

namespace tocsin::net {

inline constexpr std::size_t kMostTargets = 16'384;  // of one sweep
inline constexpr int kMostPackets = 20;              // to one target
inline constexpr int kMostAgain = 3;

struct SweepPace {
  Duration shortest_wait = 1s;  // for the last answer, whatever was learned
  Duration longest_wait = 1s;   // and as long as nothing was learned
  int per_second = 4000;        // packets; 0: as fast as this machine can
  // Packets on their way, of those not older than kLate; the room for answers that come at once.
  std::size_t in_flight = 128;
};
// An answer that takes longer than this comes too thinly to fill a buffer.
inline constexpr Duration kLate = 50ms;

struct Probe {
  std::uint32_t serial = 0;
  std::uint32_t target = 0;
  std::uint16_t sequence = 0;
};

class SweepCore {
 public:
  // `seed`: any number; the first sequence and the jitter come of it. REQUIRES: at most
  // kMostTargets plans, each within its bounds. `plans` must outlive this.
  SweepCore(std::span<const PingPlan> plans, const SweepPace& pace, std::uint64_t seed);

  // Fills `out` with packets that are due and returns how many. Each of them must be told, in this
  // order, as sent or not_sent before time goes on.
  std::size_t take_due(MonoTime now, std::span<Probe> out);
  void sent(const Probe& probe, MonoTime at);
  // This machine did not send it. `refusal`: because it knows that the network would not take it;
  // else `error` is why, and the target ends: nothing more can be sent to it.
  void not_sent(const Probe& probe, MonoTime at, Refusal refusal, int error);

  // False where the answer is not one to a packet that is waited for. `from`: who sent a reply.
  bool take(const EchoAnswer& answer, const IpAddress& from, MonoTime at);

  // Gives up what was waited for long enough.
  void expire(MonoTime now);
  // When to call take_due or expire again; nothing where only an answer can change anything, and
  // where all is done.
  std::optional<MonoTime> next() const;
  bool done() const { return ended_ == plans_.size(); }

  Duration timeout() const { return timeout_; }
  const std::vector<PingResult>& results() const { return results_; }

 private:
  enum class State : std::uint8_t { taken, waiting, over };
  struct Packet {
    MonoTime sent_at;
    std::uint32_t target = 0;
    State state = State::taken;
  };
  struct Target {
    std::uint16_t taken = 0;
    std::uint16_t open = 0;  // sent, neither answered nor refused
    std::uint16_t planned = 0;
    bool ended = false;
  };
  struct Due {
    MonoTime at;
    std::uint32_t target = 0;
    friend bool operator>(const Due& a, const Due& b) { return a.at > b.at; }
  };

  bool may_send(MonoTime now);
  Probe take(std::uint32_t target);
  void after_sending(const Probe& probe, MonoTime at);
  void close(Packet& packet);
  void settle(std::uint32_t target);
  void end(std::uint32_t target);
  void learn(Duration round_trip);
  Duration wait_of(std::size_t further) const;
  std::uint32_t serial_of(std::uint16_t sequence) const;
  void release_late(MonoTime now);
  Duration jittered(Duration gap);

  std::span<const PingPlan> plans_;
  SweepPace pace_;
  std::uint64_t random_;
  std::uint16_t first_sequence_;
  std::vector<PingResult> results_;
  std::vector<Target> targets_;
  std::vector<Packet> packets_;  // by serial
  std::uint32_t fresh_ = 0;      // the first target that was not asked yet
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  // Serials of last packets in the order of sending, by how many further ones came before.
  std::array<std::deque<std::uint32_t>, kMostAgain + 1> last_;
  std::size_t late_ = 0;  // the first packet that is not older than kLate
  std::size_t in_flight_ = 0;
  std::size_t ended_ = 0;
  std::optional<MonoTime> slot_;  // when the pace allows the next packet
  std::optional<Duration> smooth_;
  Duration deviation_{};
  Duration timeout_;
};

}  // namespace tocsin::net
