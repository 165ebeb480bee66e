#include "agent/evidence/patience.hpp"

#include <system_error>
#include <thread>

#include <fmt/format.h>

namespace tocsin::agent {

void Patience::Reading::sign_of_life() {
  const std::lock_guard lock(mutex_);
  ++signs_;  // Nobody is woken: who waits looks when the silence would be too long.
}

void Patience::Reading::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool Patience::Reading::ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool Patience::Reading::wait(Duration silence) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const std::uint64_t seen = signs_;
    if (changed_.wait_for(lock, silence, [this] { return ended_; })) return true;
    if (signs_ == seen) return false;
  }
}

bool Patience::run(std::function<void(Reading&)> read) {
  std::erase_if(left_behind_, [](const auto& one) { return one->ended(); });
  if (left_behind_.size() >= limits_.left_behind) {
    why_ = fmt::format("{} sources before it do not answer", left_behind_.size());
    return false;
  }
  const auto reading = std::make_shared<Reading>();
  try {
    std::thread([reading, read = std::move(read)] {
      read(*reading);
      reading->end();
    }).detach();
  } catch (const std::system_error& error) {
    why_ = fmt::format("no thread to read it with: {}", error.what());
    return false;
  }
  if (reading->wait(limits_.silence)) return true;
  left_behind_.push_back(reading);
  why_ = fmt::format("nothing for {} s", limits_.silence / 1s);
  return false;
}

}  // namespace tocsin::agent
