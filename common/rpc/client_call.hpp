// gRPC operations as a coroutine waits for them, and a unary call of one.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/client_context.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/status.h>

#include "common/base/instant.hpp"
#include "common/rpc/completions.hpp"

namespace tocsin::rpc {

// The call fails with deadline_exceeded after this long.
void limit_time(grpc::ClientContext& context, Duration limit);

// Suspends the coroutine until the operation that `start(tag)` begins is done; `keep` stays until
// then. `start` captures only references. False: as gRPC says for the operation.
template <class Keep, class Start>
boost::asio::awaitable<bool> completed(boost::asio::any_io_executor executor, Keep keep,
                                       Start start) {
  auto initiate = [executor, keep, start](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    start(Completions::tag([executor, keep, shared](bool ok) {
      boost::asio::post(executor, [shared, ok] { std::move (*shared)(ok); });
    }));
  };
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(bool)>(
      std::move(initiate), boost::asio::use_awaitable);
}

// `prepare(context, queue)` is the generated call: stub.PrepareAsyncRenew(context, request, queue).
// All references live until this returns.
template <class Reply, class Prepare>
boost::asio::awaitable<grpc::Status> call(Completions& completions,
                                          boost::asio::any_io_executor executor,
                                          grpc::ClientContext& context, Reply& reply,
                                          Prepare prepare) {
  const std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>> reader =
      prepare(&context, completions.queue());
  reader->StartCall();
  grpc::Status status;
  const auto finish = [&](void* tag) { reader->Finish(&reply, &status, tag); };
  const bool nothing_to_keep = true;
  co_await completed(executor, nothing_to_keep, finish);
  co_return status;
}

}  // namespace tocsin::rpc
