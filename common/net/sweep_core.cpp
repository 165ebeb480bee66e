#include "common/net/sweep_core.hpp"

#include <algorithm>
#include <utility>

#include "common/base/result.hpp"

namespace tocsin::net {
namespace {

constexpr int kBurst = 16;  // packets that the pace lets through at once after a pause

// SplitMix64: spreads gaps, keeps no secret.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace

SweepCore::SweepCore(std::span<const PingPlan> plans, const SweepPace& pace, std::uint64_t seed)
    : plans_(plans),
      pace_(pace),
      random_(seed),
      first_sequence_(static_cast<std::uint16_t>(next_random(random_))),
      results_(plans.size()),
      targets_(plans.size()),
      timeout_(pace.longest_wait) {
  TOCSIN_CHECK(plans.size() <= kMostTargets && pace.in_flight > 0 && pace.per_second >= 0);
  packets_.reserve(plans.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const PingPlan& plan = plans[i];
    TOCSIN_CHECK(plan.packets >= 1 && plan.packets <= kMostPackets);
    TOCSIN_CHECK(plan.again >= 0 && plan.again <= kMostAgain);
    targets_[i].planned = static_cast<std::uint16_t>(plan.packets);
  }
}

// ---- Sending ----

std::size_t SweepCore::take_due(MonoTime now, std::span<Probe> out) {
  release_late(now);
  std::size_t count = 0;
  while (count < out.size() && in_flight_ < pace_.in_flight) {
    while (!due_.empty() && targets_[due_.top().target].ended) due_.pop();
    const bool again = !due_.empty() && due_.top().at <= now;
    if (!again && fresh_ == targets_.size()) break;
    if (!may_send(now)) break;
    std::uint32_t target = 0;
    if (again) {
      target = due_.top().target;
      due_.pop();
    } else {
      target = fresh_++;
    }
    out[count++] = take(target);
  }
  return count;
}

bool SweepCore::may_send(MonoTime now) {
  if (pace_.per_second == 0) return true;
  const Duration slot = Duration(1s) / pace_.per_second;
  if (!slot_ || now - *slot_ > slot * kBurst) slot_ = now + -slot * kBurst;
  if (*slot_ > now) return false;
  *slot_ = *slot_ + slot;
  return true;
}

Probe SweepCore::take(std::uint32_t target) {
  const auto serial = static_cast<std::uint32_t>(packets_.size());
  packets_.push_back({{}, target, State::taken});
  ++targets_[target].taken;
  ++targets_[target].open;
  ++in_flight_;
  return {serial, target, static_cast<std::uint16_t>(first_sequence_ + serial)};
}

void SweepCore::sent(const Probe& probe, MonoTime at) {
  ++results_[probe.target].sent;
  packets_[probe.serial].state = State::waiting;
  after_sending(probe, at);
}

void SweepCore::not_sent(const Probe& probe, MonoTime at, Refusal refusal, int error) {
  PingResult& result = results_[probe.target];
  if (refusal == Refusal::none) {
    result.send_error = error;
  } else {
    // As if a router had said it: this machine knows what one would say.
    ++result.sent;
    ++result.unreachable;
    result.refusal = refusal;
  }
  after_sending(probe, at);
  close(packets_[probe.serial]);
  if (refusal == Refusal::none) return end(probe.target);
  settle(probe.target);
}

void SweepCore::after_sending(const Probe& probe, MonoTime at) {
  packets_[probe.serial].sent_at = at;
  const Target& target = targets_[probe.target];
  const PingPlan& plan = plans_[probe.target];
  if (target.taken < plan.packets) {
    due_.push({at + jittered(plan.between), probe.target});
  } else {
    last_[static_cast<std::size_t>(target.taken - plan.packets)].push_back(probe.serial);
  }
}

Duration SweepCore::jittered(Duration gap) {
  const std::int64_t quarter = gap.count() / 4;
  if (quarter <= 0) return gap;
  const auto span = static_cast<std::uint64_t>(2 * quarter + 1);
  return gap + Duration(static_cast<std::int64_t>(next_random(random_) % span) - quarter);
}

// ---- Answers ----

bool SweepCore::take(const EchoAnswer& answer, const IpAddress& from, MonoTime at) {
  if (packets_.empty()) return false;
  const bool reply = answer.refusal == Refusal::none;
  if (reply && !answer.serial) return false;
  const std::uint32_t serial = answer.serial.value_or(serial_of(answer.sequence));
  if (serial >= packets_.size()) return false;
  Packet& packet = packets_[serial];
  const bool ours = static_cast<std::uint16_t>(first_sequence_ + serial) == answer.sequence &&
                    plans_[packet.target].address == (reply ? from : answer.asked);
  if (!ours || packet.state != State::waiting || targets_[packet.target].ended) return false;
  PingResult& result = results_[packet.target];
  if (reply) {
    const Duration round_trip = std::max<Duration>(at - packet.sent_at, 0ns);
    result.add(round_trip);
    learn(round_trip);
  } else {
    ++result.unreachable;
    result.refusal = answer.refusal;
  }
  close(packet);
  settle(packet.target);
  return true;
}

// The newest packet with this sequence; those before it are 65,536 packets old.
std::uint32_t SweepCore::serial_of(std::uint16_t sequence) const {
  const auto newest = static_cast<std::uint32_t>(packets_.size() - 1);
  const auto back = static_cast<std::uint16_t>(first_sequence_ + newest - sequence);
  return newest - back;  // Wraps beyond the end where there is none.
}

void SweepCore::close(Packet& packet) {
  packet.state = State::over;
  --targets_[packet.target].open;
  const auto index = static_cast<std::size_t>(&packet - packets_.data());
  if (index >= late_) --in_flight_;
}

void SweepCore::settle(std::uint32_t index) {
  const Target& target = targets_[index];
  // Whoever is asked again only to learn that he is there has said so.
  const bool there = target.planned > plans_[index].packets && results_[index].received > 0;
  if (there || (target.open == 0 && target.taken == target.planned)) end(index);
}

void SweepCore::end(std::uint32_t target) {
  if (std::exchange(targets_[target].ended, true)) return;
  ++ended_;
}

void SweepCore::learn(Duration round_trip) {
  if (!smooth_) {
    smooth_ = round_trip;
    deviation_ = round_trip / 2;
  } else {
    const Duration error = round_trip - *smooth_;
    deviation_ += ((error < 0ns ? -error : error) - deviation_) / 4;
    *smooth_ += error / 8;
  }
  timeout_ = std::clamp(*smooth_ + 4 * deviation_, pace_.shortest_wait, pace_.longest_wait);
}

// ---- Time ----

void SweepCore::release_late(MonoTime now) {
  for (; late_ < packets_.size(); ++late_) {
    const Packet& packet = packets_[late_];
    if (packet.state == State::taken) return;
    if (packet.state == State::over) continue;  // No longer in flight.
    if (now - packet.sent_at < kLate) return;
    --in_flight_;
  }
}

Duration SweepCore::wait_of(std::size_t further) const {
  return std::min(timeout_ * (1 << further), pace_.longest_wait);
}

void SweepCore::expire(MonoTime now) {
  for (std::size_t further = 0; further < last_.size(); ++further) {
    std::deque<std::uint32_t>& waiting = last_[further];
    for (; !waiting.empty(); waiting.pop_front()) {
      const Packet& packet = packets_[waiting.front()];
      Target& target = targets_[packet.target];
      if (target.ended) continue;
      if (now - packet.sent_at < wait_of(further)) break;
      const PingResult& result = results_[packet.target];
      const bool silent = result.received == 0 && result.unreachable == 0;
      if (silent && target.planned < plans_[packet.target].packets + plans_[packet.target].again) {
        ++target.planned;
        due_.push({now, packet.target});
      } else {
        end(packet.target);
      }
    }
  }
}

std::optional<MonoTime> SweepCore::next() const {
  if (done()) return std::nullopt;
  std::optional<MonoTime> first;
  const auto consider = [&](MonoTime at) { first = first ? std::min(*first, at) : at; };
  const bool fresh = fresh_ < targets_.size();
  if (fresh || !due_.empty()) {
    MonoTime at = fresh ? MonoTime{} : due_.top().at;
    if (pace_.per_second != 0 && slot_) at = std::max(at, *slot_);
    const bool full = in_flight_ >= pace_.in_flight && late_ < packets_.size();
    if (full) at = std::max(at, packets_[late_].sent_at + kLate);
    consider(at);
  }
  for (std::size_t further = 0; further < last_.size(); ++further) {
    if (last_[further].empty()) continue;
    consider(packets_[last_[further].front()].sent_at + wait_of(further));
  }
  return first;
}

}  // namespace tocsin::net
