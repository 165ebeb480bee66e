#include "common/systemd/stop_signal.hpp"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/result.hpp"

namespace tocsin::systemd {

StopSignal::StopSignal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  TOCSIN_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  TOCSIN_CHECK(::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  told_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TOCSIN_CHECK(signals_ >= 0 && wake_ >= 0 && told_ >= 0);
  thread_ = std::thread([this] { watch(); });
}

StopSignal::~StopSignal() {
  const std::uint64_t one = 1;
  TOCSIN_CHECK(::write(wake_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(wake_);
  ::close(told_);
}

void StopSignal::watch() {
  std::array<pollfd, 2> waiting{pollfd{signals_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
  while (true) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo == SIGHUP) {
      reload_ = true;
    } else {
      source_.request_stop();
    }
    tell();
  }
}

void StopSignal::tell() {
  const std::uint64_t one = 1;
  TOCSIN_CHECK(::write(told_, &one, sizeof one) == sizeof one);
}

void StopSignal::request_stop() {
  source_.request_stop();
  tell();
}

void StopSignal::wait() const {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, source_.get_token(), [] { return false; });
}

StopSignal::Event StopSignal::wait_for(Duration longest) {
  pollfd told{told_, POLLIN, 0};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(longest);
  if (!source_.stop_requested() && ::poll(&told, 1, static_cast<int>(wait.count())) > 0) {
    std::uint64_t count = 0;
    TOCSIN_CHECK(::read(told_, &count, sizeof count) == sizeof count);
  }
  if (source_.stop_requested()) return Event::stop;
  return reload_.exchange(false) ? Event::reload : Event::nothing;
}

}  // namespace tocsin::systemd
