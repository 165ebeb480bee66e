#include "collector/notify/render.hpp"

#include "common/base/text.hpp"
#include "common/i18n/i18n.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kSubjectBytes = 200;

// The short title of what is the first line of the body; the line itself where it has none. (A
// message cannot hold another, so the subject comes without.)
std::string title_of(i18n::Language language, const model::Message& line) {
  const model::Message title{"title." + line.code, line.parameters};
  return i18n::render(language, i18n::text(language, title.code).empty() ? line : title);
}

std::string subject_of(i18n::Language language, const model::Notification& notification) {
  model::Message subject = notification.subject;
  for (model::Parameter& parameter : subject.parameters) {
    if (parameter.name == "title" && parameter.value.empty() && !notification.body.empty()) {
      parameter.value = title_of(language, notification.body.front());
    }
  }
  return clean_text(i18n::render(language, subject), kSubjectBytes);
}

}  // namespace

OutgoingMessage render(const model::Notification& notification) {
  const i18n::Language language =
      i18n::language_from(notification.language).value_or(i18n::Language::en);
  OutgoingMessage message;
  message.recipient = notification.recipient;
  message.subject = subject_of(language, notification);
  for (const model::Message& line : notification.body) {
    message.text += i18n::render(language, line);
    message.text += '\n';
  }
  message.idempotency_key = notification.idempotency_key;
  return message;
}

}  // namespace tocsin::collector
