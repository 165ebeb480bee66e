#include "collector/notify/outbox.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collector/notify/render.hpp"
#include "common/log/log.hpp"
#include "common/time/time_source.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kCouriers = 16;      // attempts under way at once, each on its own thread
constexpr Duration kLongestWait = 5s;      // looks again by itself, should a wake-up be lost
constexpr Duration kBetweenLooks = 100ms;  // a look reads every row that waits
constexpr Duration kAfterFailure = 1s;     // the store or the journal did not answer

// Whom, and through what: at most one attempt at a time, so that they read what happened in order.
using Lane = std::pair<std::string, std::string>;
Lane lane_of(const model::Notification& row) { return {row.channel, row.recipient}; }

struct Done {
  Lane lane;
  model::DeliveryOutcome outcome;
};

// What the couriers do: takes one message at a time and brings it. Thread-safe.
class Couriers {
 public:
  Couriers(const Outbox::Parts& parts, std::function<void()> on_done)
      : parts_(parts), on_done_(std::move(on_done)) {
    for (std::size_t i = 0; i < kCouriers; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Couriers() { stop(); }
  Couriers(const Couriers&) = delete;
  Couriers& operator=(const Couriers&) = delete;

  void give(model::Notification row) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(row));
    }
    changed_.notify_one();
  }

  std::vector<Done> take_done() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
  }
  bool has_done() {
    const std::lock_guard lock(mutex_);
    return !done_.empty();
  }

  // What nobody has begun with stays unsent; waits for the rest.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      const model::Notification row = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      const Delivery delivery = attempt(row);
      lock.lock();
      done_.push_back({lane_of(row), {row.id, row.attempts + 1, delivery.result, delivery.detail}});
      lock.unlock();
      on_done_();
      lock.lock();
    }
  }

  Delivery attempt(const model::Notification& row) const {
    const std::shared_ptr<const model::SitePolicy> policy = parts_.policy();
    const auto channel =
        std::find_if(policy->channels.begin(), policy->channels.end(),
                     [&](const model::ChannelPolicy& c) { return c.name == row.channel; });
    if (channel == policy->channels.end()) return unusable("no channel " + row.channel);
    const Result<std::unique_ptr<Channel>> made = parts_.make_channel(*channel);
    if (!made) return unusable(made.error().message);
    const Delivery delivery = (*made)->deliver(render(row), parts_.deadline);
    log::info("outbox.attempt", {{"notification", row.id.value},
                                 {"channel", row.channel},
                                 {"attempt", row.attempts + 1},
                                 {"outcome", delivery.detail.code}});
    return delivery;
  }

  // The policy may be repaired, so it is tried again.
  static Delivery unusable(std::string reason) {
    return {model::DeliveryResult::retry, {"channel.unusable", {{"reason", std::move(reason)}}}};
  }

  const Outbox::Parts& parts_;
  const std::function<void()> on_done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::deque<model::Notification> waiting_;
  std::vector<Done> done_;
  std::vector<std::thread> threads_;
};

// The desk: decides what is sent next and journals what came of it.
class Desk final : public Outbox {
 public:
  explicit Desk(Parts parts)
      : parts_(std::move(parts)),
        couriers_(parts_, [this] { notify(); }),
        thread_([this] { run(); }) {}

  ~Desk() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void wake() override {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    changed_.notify_all();
  }

 private:
  // A courier is back. The lock orders this after the desk's last look at what is done.
  void notify() {
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
  }

  void run() {
    for (;;) {
      const Duration wait = pass();
      std::unique_lock lock(mutex_);
      const bool called = changed_.wait_for(
          lock, wait, [&] { return stopping_ || woken_ || couriers_.has_done(); });
      if (stopping_) break;
      // Nobody called: what was due later is due, or a wake-up was lost.
      stale_ = stale_ || woken_ || !called;
      woken_ = false;
    }
    couriers_.stop();
    take_done();
    record_outcomes();
  }

  // Returns how long there is nothing to do.
  Duration pass() {
    take_done();
    if (!record_outcomes()) return kAfterFailure;
    const MonoTime now = clock_.steady();
    if (stale_ && now >= next_look_) {
      if (!look()) return kAfterFailure;
      next_look_ = now + kBetweenLooks;
    }
    const Duration wait = send_what_is_due();
    return stale_ ? std::min(wait, next_look_ - now) : wait;
  }

  void take_done() {
    for (Done& done : couriers_.take_done()) {
      under_way_.erase(done.lane);
      unrecorded_.push_back(std::move(done.outcome));
    }
  }

  bool look() {
    Result<std::vector<model::Notification>> pending = parts_.state.pending_notifications();
    if (!pending) {
      log::error("outbox.unreadable", {{"why", pending.error().message}});
      return false;
    }
    std::set<NotificationId> still;
    for (const model::Notification& row : *pending) still.insert(row.id);
    std::erase_if(leases_, [&](const auto& lease) { return !still.contains(lease.first); });
    pending_ = std::move(*pending);
    stale_ = false;
    return true;
  }

  // The oldest due first, as far as lanes and channels have room.
  Duration send_what_is_due() {
    const Instant now = parts_.intake.journal_now();
    Duration wait = kLongestWait;
    std::erase_if(pending_, [&](model::Notification& row) {
      if (is_leased(row)) return true;
      if (row.due > now) {
        wait = std::min(wait, row.due - now);
        return false;
      }
      if (!has_room_for(row)) return false;  // Whoever makes room wakes the desk.
      leases_[row.id] = row.attempts + 1;
      under_way_.insert(lane_of(row));
      couriers_.give(std::move(row));
      return true;
    });
    return wait;
  }

  // A server that hangs for everybody leaves couriers to the other channels.
  bool has_room_for(const model::Notification& row) const {
    if (under_way_.size() >= kCouriers || under_way_.contains(lane_of(row))) return false;
    const auto of_channel = std::count_if(under_way_.begin(), under_way_.end(),
                                          [&](const Lane& l) { return l.first == row.channel; });
    return static_cast<std::size_t>(of_channel) < kOfOneChannel;
  }

  // An attempt was begun that the judge has not taken in yet.
  bool is_leased(const model::Notification& row) const {
    const auto lease = leases_.find(row.id);
    return lease != leases_.end() && row.attempts < lease->second;
  }

  // Journals what came of the attempts. What cannot be journaled now is kept, and not sent again.
  bool record_outcomes() {
    while (!unrecorded_.empty()) {
      const model::DeliveryOutcome& outcome = unrecorded_.front();
      const Result<Committed> committed =
          parts_.intake.submit_and_wait({wire::encode_journal(outcome), outcome});
      if (!committed) {
        log::error("outbox.outcome_not_recorded", {{"notification", outcome.notification.value},
                                                   {"why", committed.error().message}});
        return false;
      }
      unrecorded_.pop_front();
    }
    return true;
  }

  const Parts parts_;
  const time::SystemTime clock_;
  // Only the desk's thread touches these. A lease is the last attempt that was begun.
  std::map<NotificationId, std::uint32_t> leases_;
  std::vector<model::Notification> pending_;  // of the last look, without what was given away
  std::set<Lane> under_way_;
  std::deque<model::DeliveryOutcome> unrecorded_;
  bool stale_ = true;  // there may be more than the last look saw
  MonoTime next_look_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool woken_ = false;
  Couriers couriers_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Outbox> Outbox::start(Parts parts) {
  return std::make_unique<Desk>(std::move(parts));
}

}  // namespace tocsin::collector
