#include "collector/notify/outbox.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collector/notify/render.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr Duration kDeadline = 30s;     // of one attempt
constexpr Duration kLongestWait = 5s;   // looks again by itself, should a wake-up be lost
constexpr Duration kAfterFailure = 1s;  // the store or the journal did not answer

class Worker final : public Outbox {
 public:
  explicit Worker(Parts parts) : parts_(std::move(parts)), thread_([this] { run(); }) {}

  ~Worker() override {
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
  void run() {
    while (!stopping()) {
      const Duration wait = pass();
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, wait, [&] { return stopping_ || woken_; });
      woken_ = false;
    }
  }

  // Sends what is due. Returns how long there is nothing to do.
  Duration pass() {
    if (!record_outcomes()) return kAfterFailure;
    const Result<std::vector<model::Notification>> pending = parts_.state.pending_notifications();
    if (!pending) {
      log::error("outbox.unreadable", {{"why", pending.error().message}});
      return kAfterFailure;
    }
    forget_done(*pending);
    std::set<std::string> failing;  // A channel that failed rests until the others had their turn.
    Duration wait = kLongestWait;
    for (const model::Notification& row : *pending) {
      if (stopping()) break;
      if (is_leased(row)) continue;
      const Duration until_due = row.due - parts_.intake.journal_now();
      if (until_due > Duration{} || failing.contains(row.channel)) {
        wait = std::min(wait, std::max(until_due, Duration{}));
        continue;
      }
      const Delivery delivery = attempt(row);
      if (delivery.result == model::DeliveryResult::retry) failing.insert(row.channel);
      leases_[row.id] = row.attempts + 1;
      unrecorded_.push_back({row.id, row.attempts + 1, delivery.result, delivery.detail});
      if (!record_outcomes()) return kAfterFailure;
    }
    return wait;
  }

  // An attempt was made that the judge has not taken in yet.
  bool is_leased(const model::Notification& row) const {
    const auto lease = leases_.find(row.id);
    return lease != leases_.end() && row.attempts < lease->second;
  }

  void forget_done(const std::vector<model::Notification>& pending) {
    std::set<NotificationId> still;
    for (const model::Notification& row : pending) still.insert(row.id);
    std::erase_if(leases_, [&](const auto& lease) { return !still.contains(lease.first); });
  }

  Delivery attempt(const model::Notification& row) {
    const std::shared_ptr<const model::SitePolicy> policy = parts_.policy();
    const auto channel =
        std::find_if(policy->channels.begin(), policy->channels.end(),
                     [&](const model::ChannelPolicy& c) { return c.name == row.channel; });
    if (channel == policy->channels.end()) return unusable("no channel " + row.channel);
    const Result<std::unique_ptr<Channel>> made = parts_.make_channel(*channel);
    if (!made) return unusable(made.error().message);
    const Delivery delivery = (*made)->deliver(render(row), kDeadline);
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

  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  Parts parts_;
  // Only the worker's thread touches these. A lease is the last attempt that was made.
  std::map<NotificationId, std::uint32_t> leases_;
  std::deque<model::DeliveryOutcome> unrecorded_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool woken_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Outbox> Outbox::start(Parts parts) {
  return std::make_unique<Worker>(std::move(parts));
}

}  // namespace tocsin::collector
