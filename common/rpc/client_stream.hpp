// A bidirectional gRPC call as a coroutine reads and writes it: the bridge between gRPC's
// completion queue and an Asio executor.
//
// The queue's thread carries no logic: each completion posts the waiting coroutine to the executor.
// All members are for the executor's thread. At most one read and one write are in flight. The
// first operation is a write; it begins the call. Whoever made the stream awaits finish() before
// the executor goes.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <grpcpp/client_context.h>
#include <grpcpp/support/async_stream.h>

#include "common/base/result.hpp"
#include "common/rpc/client_call.hpp"
#include "common/rpc/completions.hpp"

namespace tocsin::rpc {

template <class Request, class Response>
class ClientStream {
 public:
  using Call = std::unique_ptr<grpc::ClientAsyncReaderWriter<Request, Response>>;

  // `prepare(context, queue)` is the generated call: stub.PrepareAsyncSession(context, queue).
  template <class Prepare>
  ClientStream(Completions& completions, boost::asio::any_io_executor executor,
               const Prepare& prepare)
      : executor_(std::move(executor)), bridge_(std::make_shared<Bridge>()) {
    // What opens the call goes with the first message: one operation less, and one to wait for.
    bridge_->context.set_initial_metadata_corked(true);
    bridge_->call = prepare(&bridge_->context, completions.queue());
    bridge_->call->StartCall(nullptr);
  }
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;
  ~ClientStream() {
    if (!ended_) cancel();
  }

  // False: the other side ended, or the call failed; finish() says which.
  boost::asio::awaitable<bool> read(Response& message) {
    TOCSIN_CHECK(!ended_);
    Bridge& bridge = *bridge_;
    const bool got = co_await completed(
        executor_, bridge_, [&bridge, &message](void* tag) { bridge.call->Read(&message, tag); });
    read_failed_ = read_failed_ || !got;
    co_return got;
  }

  // `message` must stay until this returns. False: the call has failed.
  boost::asio::awaitable<bool> write(const Request& message) {
    TOCSIN_CHECK(!ended_);
    Bridge& bridge = *bridge_;
    co_return co_await completed(
        executor_, bridge_, [&bridge, &message](void* tag) { bridge.call->Write(message, tag); });
  }

  // Makes a read or write that waits return false. Harmless at any time.
  void cancel() { bridge_->context.TryCancel(); }

  // Once: ends the call, by cancelling it unless the other side has ended it already, and waits
  // until gRPC is done with it. No read or write may wait. Returns how the call ended.
  boost::asio::awaitable<grpc::Status> finish() {
    TOCSIN_CHECK(!ended_);
    ended_ = true;
    if (!read_failed_) cancel();
    Bridge& bridge = *bridge_;
    co_await completed(executor_, bridge_,
                       [&bridge](void* tag) { bridge.call->Finish(&bridge.status, tag); });
    co_return bridge.status;
  }

 private:
  // What gRPC uses until its operations are done.
  struct Bridge {
    grpc::ClientContext context;
    Call call;  // in the context's memory
    grpc::Status status;
  };

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Bridge> bridge_;
  bool read_failed_ = false;
  bool ended_ = false;
};

}  // namespace tocsin::rpc
