// Starts a coroutine that nobody waits for. Errors are values, so an exception that leaves one is a
// bug, or memory is exhausted: the process stops, and is started again with its state on disk.
#pragma once

#include <exception>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>

#include "common/base/result.hpp"

namespace tocsin::async {

inline void spawn(const boost::asio::any_io_executor& executor,
                  boost::asio::awaitable<void> coroutine) {
  boost::asio::co_spawn(executor, std::move(coroutine), [](const std::exception_ptr& leaked) {
    const bool coroutine_leaked_an_exception = leaked != nullptr;
    TOCSIN_CHECK(!coroutine_leaked_an_exception);
  });
}

}  // namespace tocsin::async
