// A unary gRPC call as a coroutine waits for it.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "common/base/instant.hpp"

namespace tocsin::rpc {

// The call fails with deadline_exceeded after this long.
void limit_time(grpc::ClientContext& context, Duration limit);

// `start(callback)` is the generated call, e.g. stub.async()->Renew(&context, &request, &reply,
// callback); it captures only references, to what lives until this returns.
template <class Start>
boost::asio::awaitable<grpc::Status> call(boost::asio::any_io_executor executor, Start start) {
  auto initiate = [executor, start](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    start([executor, shared](const grpc::Status& status) {
      boost::asio::post(executor, [shared, status] { std::move (*shared)(status); });
    });
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(grpc::Status)>(
      std::move(initiate), boost::asio::use_awaitable);
}

}  // namespace tocsin::rpc
