#include "common/rpc/completions.hpp"

#include <memory>
#include <utility>

namespace tocsin::rpc {

Completions::Completions() {
  thread_ = std::thread([this] {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      const std::unique_ptr<Done> done(static_cast<Done*>(tag));
      (*done)(ok);
    }
  });
}

Completions::~Completions() {
  queue_.Shutdown();
  thread_.join();
}

void* Completions::tag(Done done) { return std::make_unique<Done>(std::move(done)).release(); }

}  // namespace tocsin::rpc
