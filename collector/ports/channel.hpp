// A way to tell a person. Adapters: collector/notify (e-mail, webhook). Conformance:
// tests/conformance.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.hpp"
#include "common/model/journal.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

// What to send, rendered in the recipient's language.
struct OutgoingMessage {
  std::string recipient;
  std::string subject;
  std::string text;             // UTF-8, lines ended with \n
  std::string idempotency_key;  // the same for every attempt
};

struct Delivery {
  model::DeliveryResult result = model::DeliveryResult::retry;
  model::Message detail;  // what the other side said, cleaned
};

// One attempt, bounded by a deadline; blocks. Never throws. Used by one thread at a time.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual Delivery deliver(const OutgoingMessage& message, Duration deadline) = 0;
};

// Makes the channel that a policy names. Errors: invalid_argument (unknown kind, unusable URL).
Result<std::unique_ptr<Channel>> make_channel(const model::ChannelPolicy& policy);

}  // namespace tocsin::collector
