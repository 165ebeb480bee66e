#include "common/async/wake.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tocsin::async {

namespace asio = boost::asio;

void Wake::notify() {
  notified_ = true;
  timer_.cancel();
}

asio::awaitable<bool> Wake::wait_for(Duration limit) {
  if (!notified_) {
    timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(limit));
    boost::system::error_code ignored;  // Cancelled by notify(), or expired: notified_ tells.
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return std::exchange(notified_, false);
}

}  // namespace tocsin::async
