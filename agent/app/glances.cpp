#include "agent/app/glances.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::agent {
namespace {

constexpr Duration kIdle = 1h;     // with nothing to look at; begin() ends it
constexpr Duration kRest = 100us;  // at least, so that begin() and end() have their turn

}  // namespace

Glances::Glances(const time::TimeSource& time, std::function<void(const model::CheckRef&)> seen)
    : time_(time), seen_(std::move(seen)) {
  thread_ = std::thread([this] { work(); });
}

Glances::~Glances() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  sooner_.notify_one();
  thread_.join();
}

void Glances::begin(const model::CheckRef& check, const Glance& glance,
                    std::shared_ptr<CheckContext> context, MonoTime first, Duration every) {
  {
    const std::lock_guard lock(mutex_);
    all_.insert_or_assign(check, One{glance, std::move(context), first, every});
  }
  sooner_.notify_one();
}

void Glances::end(const model::CheckRef& check) {
  const std::lock_guard lock(mutex_);
  all_.erase(check);
}

void Glances::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const MonoTime now = time_.steady();
    sooner_.wait_for(lock, std::max<Duration>(look(now) - now, kRest));
  }
}

MonoTime Glances::look(MonoTime now) {
  MonoTime next = now + kIdle;
  for (auto one = all_.begin(); one != all_.end();) {
    One& it = one->second;
    if (now >= it.due) {
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
  return next;
}

}  // namespace tocsin::agent
