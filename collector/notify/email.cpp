#include "collector/notify/email.hpp"

#include <utility>

#include "collector/notify/curl.hpp"
#include "collector/notify/mail_message.hpp"
#include "common/config/secret_file.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {
namespace {

using model::DeliveryResult;

// 4xx may pass, 5xx will not; a refused login is a matter of our configuration, so the mail waits
// for its repair. Whatever broke before a reply may pass.
DeliveryResult result_of(const curl::Outcome& outcome) {
  if (outcome.completed) return DeliveryResult::delivered;
  const bool refused = !outcome.login_denied && outcome.status >= 500 && outcome.status < 600;
  return refused ? DeliveryResult::refused : DeliveryResult::retry;
}

model::Message detail_of(const curl::Outcome& outcome) {
  switch (result_of(outcome)) {
    case DeliveryResult::delivered:
      return {"mail.accepted", {{"reply", outcome.reply}}};
    case DeliveryResult::refused:
      return {"mail.refused", {{"reply", outcome.reply}}};
    case DeliveryResult::retry:
      break;
  }
  if (outcome.reply.empty()) return {"mail.unreachable", {{"reason", outcome.error}}};
  return {"mail.put_off", {{"reason", outcome.error}, {"reply", outcome.reply}}};
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

class Email final : public Channel {
 public:
  explicit Email(model::ChannelPolicy policy) : policy_(std::move(policy)) {}

  Delivery deliver(const OutgoingMessage& message, Duration deadline) override {
    if (!is_mail_address(message.recipient)) {
      return {DeliveryResult::refused,
              {"channel.unusable", {{"reason", "recipient: " + message.recipient}}}};
    }
    curl::Transfer transfer(policy_.url, "smtp,smtps", deadline);
    if (policy_.require_tls) transfer.require_tls();
    transfer.trust(policy_.ca_file);
    if (!policy_.user.empty()) {
      // Read at each use, so that a changed password needs no restart.
      Result<std::string> password = config::read_secret_file(policy_.password_file);
      if (!password) {
        return {DeliveryResult::retry,
                {"channel.unusable", {{"reason", password.error().message}}}};
      }
      transfer.login(policy_.user, without_line_end(std::move(*password)));
    }
    transfer.mail(policy_.from, message.recipient,
                  mail_message(message, policy_.from, time::SystemTime().wall()));
    const curl::Outcome outcome = transfer.perform();
    return {result_of(outcome), detail_of(outcome)};
  }

 private:
  model::ChannelPolicy policy_;
};

}  // namespace

Result<std::unique_ptr<Channel>> make_email(const model::ChannelPolicy& policy) {
  const bool from_start = policy.url.starts_with("smtps://");
  if (!from_start && !policy.url.starts_with("smtp://")) {
    return fail(ErrorCode::invalid_argument,
                policy.name + ": an e-mail channel's url begins with smtp:// or smtps://");
  }
  if (!is_mail_address(policy.from)) {
    return fail(ErrorCode::invalid_argument, policy.name + ": `from` is not a mail address");
  }
  if (!policy.user.empty() && !from_start && !policy.require_tls) {
    return fail(ErrorCode::invalid_argument,
                policy.name + ": a password is not sent without TLS; set require_tls");
  }
  return std::make_unique<Email>(policy);
}

}  // namespace tocsin::collector
