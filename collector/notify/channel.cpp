#include "collector/ports/channel.hpp"

#include "collector/notify/email.hpp"
#include "collector/notify/webhook.hpp"

namespace tocsin::collector {

Result<std::unique_ptr<Channel>> make_channel(const model::ChannelPolicy& policy) {
  if (policy.kind == "email") return make_email(policy);
  if (policy.kind == "webhook") return make_webhook(policy);
  return fail(ErrorCode::invalid_argument,
              policy.name + ": unknown kind of channel \"" + policy.kind + "\"");
}

}  // namespace tocsin::collector
