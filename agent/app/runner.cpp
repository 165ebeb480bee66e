#include "agent/app/runner.hpp"

#include <map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <sys/resource.h>

#include "agent/checks/observation.hpp"

namespace tocsin::agent {
namespace asio = boost::asio;
namespace {

// The calling thread's, since it began. The clock on the wall would count the time of others too,
// who have the processor while this one waits.
Duration processor_time() {
  rusage used{};
  if (::getrusage(RUSAGE_THREAD, &used) != 0) return {};
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

}  // namespace

// Kept alive by every run, so that one that ends after the loop is gone still has where to report.
struct Runner::Shared {
  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
  std::unique_ptr<asio::thread_pool> pool;
  std::map<int, asio::posix::stream_descriptor> watched;
};

Runner::Runner(std::size_t threads) : threads_(threads), shared_(std::make_shared<Shared>()) {
  shared_->pool = std::make_unique<asio::thread_pool>(threads);
}

Runner::~Runner() {
  for (auto& [descriptor, watched] : shared_->watched) watched.release();  // its owner closes it
  // A pool waits for its threads, and a stuck one may never end: then it is left to the process.
  std::unique_ptr<asio::thread_pool> pool = std::move(shared_->pool);
  if (running_ > 0) {
    static_cast<void>(pool.release());
    return;
  }
  pool->join();
}

void Runner::start(RunTogether run, std::vector<model::CheckDefinition> checks,
                   std::vector<std::shared_ptr<CheckContext>> contexts, Done done) {
  TOCSIN_CHECK(running_ < threads_ && checks.size() == contexts.size());
  ++running_;
  asio::post(
      *shared_->pool, [this, shared = shared_, run = std::move(run), checks = std::move(checks),
                       contexts = std::move(contexts), done = std::move(done)]() mutable {
        const Duration before = processor_time();
        std::vector<model::Observation> seen = guarded(run, checks, contexts);
        const Duration cost = processor_time() - before;
        asio::io_context& loop = shared->loop;
        // Runs only while the loop's owner waits, so `this` is alive then.
        asio::post(loop, [this, cost, seen = std::move(seen), done = std::move(done)]() mutable {
          --running_;
          done(std::move(seen), cost);
        });
      });
}

void Runner::wait(Duration limit) {
  if (shared_->loop.run_one_for(limit) > 0) shared_->loop.poll();
}

void Runner::when_readable(int descriptor, std::function<void()> ready) {
  asio::posix::stream_descriptor& watched =
      shared_->watched.try_emplace(descriptor, shared_->loop).first->second;
  if (!watched.is_open()) watched.assign(descriptor);
  watched.async_wait(asio::posix::stream_descriptor::wait_read,
                     [ready = std::move(ready)](const boost::system::error_code& error) {
                       if (!error) ready();
                     });
}

std::function<void()> Runner::waker() const {
  return [shared = shared_] { asio::post(shared->loop, [] {}); };
}

std::function<void(std::function<void()>)> Runner::poster() const {
  return
      [shared = shared_](std::function<void()> work) { asio::post(shared->loop, std::move(work)); };
}

}  // namespace tocsin::agent
