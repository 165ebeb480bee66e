// A bidirectional gRPC call as a coroutine reads and writes it: the bridge between gRPC's threads
// and an Asio executor.
//
// gRPC's threads carry no logic: each reaction posts the waiting coroutine to the executor and
// returns. All members are for the executor's thread. At most one read and one write are in flight.
// The reactor owns itself until gRPC is done with it, but posts to the executor until then: whoever
// made the stream awaits finish() before the executor goes.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include "common/base/result.hpp"

namespace tocsin::rpc {

template <class Request, class Response>
class ClientStream {
 public:
  using Reactor = grpc::ClientBidiReactor<Request, Response>;

  // `start(context, reactor)` is the generated call: stub.async()->Session(context, reactor).
  template <class Start>
  ClientStream(boost::asio::any_io_executor executor, const Start& start)
      : bridge_(std::make_shared<Bridge>(std::move(executor))) {
    start(&bridge_->context, bridge_.get());
    bridge_->begin(bridge_);
  }
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;
  ~ClientStream() { bridge_->end(true); }

  // False: the other side ended, or the call failed; finish() says which.
  boost::asio::awaitable<bool> read(Response& message) {
    TOCSIN_CHECK(!bridge_->ended && !bridge_->on_read);
    Bridge& bridge = *bridge_;
    co_return co_await wait([&bridge, &message](Continue next) {
      bridge.on_read = std::move(next);
      bridge.StartRead(&message);
    });
  }

  // `message` must stay until this returns. False: the call has failed.
  boost::asio::awaitable<bool> write(const Request& message) {
    TOCSIN_CHECK(!bridge_->ended && !bridge_->on_write);
    Bridge& bridge = *bridge_;
    co_return co_await wait([&bridge, &message](Continue next) {
      bridge.on_write = std::move(next);
      bridge.StartWrite(&message);
    });
  }

  // Makes a read or write that waits return false. Harmless at any time.
  void cancel() { bridge_->context.TryCancel(); }

  // Ends the call, by cancelling it unless the other side has ended it already, and waits until
  // gRPC is done with it. No read or write may wait. Returns how the call ended.
  boost::asio::awaitable<grpc::Status> finish() {
    bridge_->end(!bridge_->read_failed);
    if (!bridge_->done) {
      Bridge& bridge = *bridge_;
      co_await wait([&bridge](Continue next) { bridge.on_done = std::move(next); });
    }
    co_return bridge_->status;
  }

 private:
  using Continue = std::function<void(bool)>;

  // Lives until OnDone: `self` is released there.
  struct Bridge final : Reactor {
    explicit Bridge(boost::asio::any_io_executor e) : executor(std::move(e)) {}

    void begin(std::shared_ptr<Bridge> me) {
      self = std::move(me);
      this->AddHold();  // Operations start outside reactions.
      this->StartCall();
    }
    void end(bool cancel) {
      if (std::exchange(ended, true)) return;
      if (cancel && !done) context.TryCancel();
      this->RemoveHold();
    }
    void OnReadDone(bool ok) override {
      boost::asio::post(executor, [this, keep = self, ok] {
        read_failed = read_failed || !ok;
        resume(on_read, ok);
      });
    }
    void OnWriteDone(bool ok) override {
      boost::asio::post(executor, [this, keep = self, ok] { resume(on_write, ok); });
    }
    void OnDone(const grpc::Status& how) override {
      boost::asio::post(executor, [this, keep = std::move(self), how] {
        done = true;
        status = how;
        resume(on_done, true);
      });
    }
    static void resume(Continue& waiting, bool ok) {
      if (Continue next = std::exchange(waiting, nullptr)) next(ok);
    }

    boost::asio::any_io_executor executor;
    grpc::ClientContext context;
    std::shared_ptr<Bridge> self;
    Continue on_read;
    Continue on_write;
    Continue on_done;
    grpc::Status status;
    bool read_failed = false;
    bool ended = false;
    bool done = false;
  };

  // Suspends the coroutine; `start` gets what continues it and captures only references.
  template <class Start>
  static boost::asio::awaitable<bool> wait(Start start) {
    auto initiate = [start](auto handler) {
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      start([shared](bool ok) { std::move (*shared)(ok); });
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(bool)>(
        initiate, boost::asio::use_awaitable);
  }

  std::shared_ptr<Bridge> bridge_;
};

}  // namespace tocsin::rpc
