// Where gRPC tells that an operation of a client is done, and the one thread that waits for it.
//
// gRPC's callbacks would do too, but where its library has no event engine they wake two threads
// three times a second each while nothing happens, which is most of what an idle link costs.
#pragma once

#include <functional>
#include <thread>

#include <grpcpp/completion_queue.h>

namespace tocsin::rpc {

// All operations must be on their way to an end when this is destroyed; it waits for them.
class Completions {
 public:
  // On the thread of this object; only hands on what it is told.
  using Done = std::function<void(bool ok)>;

  Completions();
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  grpc::CompletionQueue* queue() { return &queue_; }
  // What one operation on the queue takes as its tag: `done` is called once, and is gone then.
  static void* tag(Done done);

 private:
  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace tocsin::rpc
