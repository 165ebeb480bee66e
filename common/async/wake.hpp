// One coroutine waits, with a limit; others of the same thread wake it. A wake that comes before
// the wait is not lost: the next wait returns at once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/instant.hpp"

namespace tocsin::async {

class Wake {
 public:
  explicit Wake(boost::asio::any_io_executor executor) : timer_(std::move(executor)) {}

  void notify();
  // True: notified; false: `limit` passed. One waiter at a time.
  boost::asio::awaitable<bool> wait_for(Duration limit);

 private:
  boost::asio::steady_timer timer_;
  bool notified_ = false;
};

}  // namespace tocsin::async
