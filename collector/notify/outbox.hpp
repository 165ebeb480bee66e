// The outbox worker: sends what the judge decided to tell, and journals what came of it.
//
// One thread. It reads the pending notifications, leases those that are due in memory, sends each
// through its channel and journals the outcome; the judge decides about the next attempt. After a
// crash between sending and journaling the same message is sent again under the same key.
#pragma once

#include <functional>
#include <memory>

#include "collector/ports/channel.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/state.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

class Outbox {
 public:
  // References outlive the outbox; `policy` never gives null and is called on the worker's thread.
  struct Parts {
    StateReader& state;
    Intake& intake;
    std::function<std::shared_ptr<const model::SitePolicy>()> policy;
    std::function<Result<std::unique_ptr<Channel>>(const model::ChannelPolicy&)> make_channel;
  };
  static std::unique_ptr<Outbox> start(Parts parts);

  virtual ~Outbox() = default;  // waits for an attempt under way, at most its deadline
  // The outbox changed: look now. Thread-safe, returns at once.
  virtual void wake() = 0;
};

}  // namespace tocsin::collector
