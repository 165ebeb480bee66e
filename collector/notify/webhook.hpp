// A notification as an HTTP POST of JSON, signed. The receiver recomputes
// "sha256=" + hex(HMAC-SHA256(key, body)) and compares it with the header Tocsin-Signature; the
// Idempotency-Key, in the header and in the body, tells it what it has had before.
#pragma once

#include <memory>
#include <string>

#include "collector/ports/channel.hpp"

namespace tocsin::collector {

// {"idempotency_key":…,"recipient":…,"subject":…,"text":…}
std::string webhook_body(const OutgoingMessage& message);
std::string webhook_signature(std::string_view key, std::string_view body);

// Errors: invalid_argument (URL not https, or not http with require_tls off; no key).
Result<std::unique_ptr<Channel>> make_webhook(const model::ChannelPolicy& policy);

}  // namespace tocsin::collector
