#include "agent/app/glances.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "agent/os/systemd.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kIdle = 1h;          // with nothing to look at; begin() ends it
constexpr Duration kRest = 1ms;         // at least, so that begin() and end() have their turn
constexpr Duration kToldRest = 10ms;    // at least, between two looks that the kernel asked for
constexpr Duration kBlindRest = 100ms;  // where nothing can be waited for: out of descriptors
constexpr std::uint32_t kNudge = 0;
constexpr std::uint32_t kTold = 1;

void watch(const os::Fd& watched, int descriptor, std::uint32_t what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = what;
  ::epoll_ctl(watched.get(), EPOLL_CTL_ADD, descriptor, &event);
}

}  // namespace

Glances::Glances(const time::TimeSource& time, std::function<void(const model::CheckRef&)> seen,
                 std::optional<os::ListenEvents> told)
    : time_(time),
      seen_(std::move(seen)),
      told_(std::move(told)),
      nudge_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watched_(::epoll_create1(EPOLL_CLOEXEC)) {
  watch(watched_, nudge_.get(), kNudge);
  if (told_) {
    for (const int descriptor : told_->descriptors()) watch(watched_, descriptor, kTold);
  }
  thread_ = std::thread([this] { work(); });
}

Glances::~Glances() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  nudge();
  thread_.join();
}

// Where it cannot be written to, it was already.
void Glances::nudge() { ::eventfd_write(nudge_.get(), 1); }

void Glances::begin(const model::CheckRef& check, const Glance& glance,
                    std::shared_ptr<CheckContext> context, MonoTime first, Duration every) {
  {
    const std::lock_guard lock(mutex_);
    all_.insert_or_assign(check, One{glance, std::move(context), first, every});
  }
  nudge();
}

void Glances::end(const model::CheckRef& check) {
  const std::lock_guard lock(mutex_);
  all_.erase(check);
}

void Glances::work() {
  for (bool told = false;;) {
    if (told) told_->take();  // first, so that what comes while it looks is told again
    const std::optional<Duration> rest = look(told);
    if (!rest) return;
    if (told) os::pause(kToldRest);
    told = wait(*rest);
  }
}

bool Glances::wait(Duration longest) {
  std::array<epoll_event, 16> events{};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
  const int count = ::epoll_wait(watched_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(ms));
  if (count < 0 && errno != EINTR) os::pause(std::min(longest, kBlindRest));
  bool told = false;
  for (int i = 0; i < count; ++i) {
    eventfd_t nudges = 0;
    const bool nudged = events[static_cast<std::size_t>(i)].data.u32 == kNudge;
    if (nudged) ::eventfd_read(nudge_.get(), &nudges);
    told = told || !nudged;
  }
  return told;
}

std::optional<Duration> Glances::look(bool at_all) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return std::nullopt;
  const MonoTime now = time_.steady();
  MonoTime next = now + kIdle;
  for (auto one = all_.begin(); one != all_.end();) {
    One& it = one->second;
    if (at_all || now >= it.due) {
      it.due = now + it.every;
      if (it.glance(*it.context)) {
        seen_(one->first);
        one = all_.erase(one);
        continue;
      }
    }
    next = std::min(next, it.due);
    ++one;
  }
  return std::max<Duration>(next - now, kRest);
}

}  // namespace tocsin::agent
