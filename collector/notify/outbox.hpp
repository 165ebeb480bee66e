// The outbox: sends what the judge decided to tell, and journals what came of it.
//
// A desk reads the pending notifications, leases those that are due in memory, and gives them to a
// few couriers, each a thread that sends one at a time; the desk journals the outcome and the judge
// decides about the next attempt. One person is sent one message at a time on one channel, the
// oldest that is due first; a message that waits for its next attempt holds up no later one. A
// server that hangs keeps a few couriers busy and no more, so that it delays neither other
// channels nor, while it hangs for one person only, other people. After a crash between sending and
// journaling the same message is sent again under the same key.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "collector/ports/channel.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/state.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

class Outbox {
 public:
  // Attempts under way at once on one channel.
  static constexpr std::size_t kOfOneChannel = 4;
  // References outlive the outbox; `policy` never gives null. It and `make_channel` are called on
  // several threads at once.
  struct Parts {
    StateReader& state;
    Intake& intake;
    std::function<std::shared_ptr<const model::SitePolicy>()> policy;
    std::function<Result<std::unique_ptr<Channel>>(const model::ChannelPolicy&)> make_channel;
    Duration deadline = 30s;  // of one attempt
  };
  static std::unique_ptr<Outbox> start(Parts parts);

  virtual ~Outbox() = default;  // waits for attempts under way, at most their deadline
  // The outbox changed: look now. Thread-safe, returns at once.
  virtual void wake() = 0;
};

}  // namespace tocsin::collector
