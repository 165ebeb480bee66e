#include "collector/operate/workers.hpp"

#include <atomic>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace tocsin::collector {

struct Workers::Impl {
  Impl(std::size_t threads, std::size_t most_jobs) : most(most_jobs), pool(threads) {}
  const std::size_t most;
  std::atomic<std::size_t> busy{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<bool> stopped{false};
  boost::asio::thread_pool pool;
};

Workers::Workers(std::size_t threads, std::size_t waiting)
    : impl_(std::make_unique<Impl>(threads, threads + waiting)) {}

Workers::~Workers() { stop(); }

bool Workers::post(std::function<void()> job) {
  // Counted in before it is looked at whether there is room, so that two cannot share the last
  // place.
  if (impl_->busy.fetch_add(1) >= impl_->most || impl_->stopped) {
    impl_->busy.fetch_sub(1);
    impl_->rejected.fetch_add(1);
    return false;
  }
  boost::asio::post(impl_->pool, [impl = impl_.get(), job = std::move(job)] {
    job();
    impl->busy.fetch_sub(1);
  });
  return true;
}

void Workers::stop() {
  impl_->stopped = true;
  impl_->pool.join();
}

std::uint64_t Workers::rejected() const { return impl_->rejected; }
std::size_t Workers::busy() const { return impl_->busy; }

}  // namespace tocsin::collector
