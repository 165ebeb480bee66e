#include "collector/notify/webhook.hpp"

#include <utility>

#include <fmt/format.h>

#include "collector/notify/curl.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::collector {
namespace {

using model::DeliveryResult;

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

// 2xx is taken. 408, 425, 429 and 5xx may pass; everything else will be the same next time.
DeliveryResult result_of(const curl::Outcome& outcome) {
  if (!outcome.completed) return DeliveryResult::retry;
  const long status = outcome.status;
  if (status >= 200 && status < 300) return DeliveryResult::delivered;
  const bool may_pass = status == 408 || status == 425 || status == 429 || status >= 500;
  return may_pass ? DeliveryResult::retry : DeliveryResult::refused;
}

model::Message detail_of(const curl::Outcome& outcome) {
  const std::string status = std::to_string(outcome.status);
  if (!outcome.completed) return {"webhook.unreachable", {{"reason", outcome.error}}};
  if (result_of(outcome) == DeliveryResult::delivered) {
    return {"webhook.accepted", {{"status", status}}};
  }
  return {"webhook.refused", {{"status", status}, {"reply", outcome.reply}}};
}

class Webhook final : public Channel {
 public:
  explicit Webhook(model::ChannelPolicy policy) : policy_(std::move(policy)) {}

  Delivery deliver(const OutgoingMessage& message, Duration deadline) override {
    const Result<std::string> key = config::read_secret_file(policy_.hmac_key_file);
    if (!key) {
      return {DeliveryResult::retry, {"channel.unusable", {{"reason", key.error().message}}}};
    }
    std::string body = webhook_body(message);
    const std::vector<std::string> headers{
        "Content-Type: application/json; charset=utf-8",
        "Idempotency-Key: " + message.idempotency_key,
        "Tocsin-Signature: " + webhook_signature(*key, body),
    };
    curl::Transfer transfer(policy_.url, policy_.require_tls ? "https" : "http,https", deadline);
    transfer.trust(policy_.ca_file);
    transfer.post(headers, std::move(body));
    const curl::Outcome outcome = transfer.perform();
    return {result_of(outcome), detail_of(outcome)};
  }

 private:
  model::ChannelPolicy policy_;
};

}  // namespace

std::string webhook_body(const OutgoingMessage& message) {
  return fmt::format(R"({{"idempotency_key":{},"recipient":{},"subject":{},"text":{}}})",
                     json_string(message.idempotency_key), json_string(message.recipient),
                     json_string(message.subject), json_string(message.text));
}

std::string webhook_signature(std::string_view key, std::string_view body) {
  return "sha256=" + to_hex(crypto::hmac_sha256(key, body));
}

Result<std::unique_ptr<Channel>> make_webhook(const model::ChannelPolicy& policy) {
  const bool plain = policy.url.starts_with("http://") && !policy.require_tls;
  if (!plain && !policy.url.starts_with("https://")) {
    return fail(ErrorCode::invalid_argument,
                policy.name +
                    ": a webhook's url begins with https://, or with http:// where "
                    "require_tls is off");
  }
  if (policy.hmac_key_file.empty()) {
    return fail(ErrorCode::invalid_argument, policy.name + ": a webhook needs hmac_key_file");
  }
  return std::make_unique<Webhook>(policy);
}

}  // namespace tocsin::collector
