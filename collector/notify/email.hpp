// E-mail over SMTP. With TLS as the policy says; a password is never sent without it.
#pragma once

#include <memory>

#include "collector/ports/channel.hpp"

namespace tocsin::collector {

// Errors: invalid_argument (URL, sender, or a user without TLS).
Result<std::unique_ptr<Channel>> make_email(const model::ChannelPolicy& policy);

}  // namespace tocsin::collector
