// Notifications with hostile titles and bodies: nothing leaves its header or its JSON string, and a
// reader who decodes them gets back what was said.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "collector/notify/mail_message.hpp"
#include "collector/notify/webhook.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::collector;

// UTF-8 as a message is, but with its control characters.
std::string utf8(std::string_view raw) {
  std::string out;
  while (!raw.empty()) {
    const bool control = static_cast<unsigned char>(raw[0]) < 0x20 || raw[0] == 0x7F;
    const auto differs = [&](char c) {
      return (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) != control;
    };
    const auto end = std::find_if(raw.begin(), raw.end(), differs);
    const std::string_view piece = raw.substr(0, static_cast<std::size_t>(end - raw.begin()));
    out += control ? std::string(piece) : clean_text(piece, piece.size() * 6);
    raw.remove_prefix(piece.size());
  }
  return out;
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=' || c == '\r' || c == '\n') continue;
    const std::size_t digit = kDigits.find(c);
    TOCSIN_CHECK(digit != std::string_view::npos);
    group = (group << 6 | static_cast<std::uint32_t>(digit)) & 0xFFFFU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xFFU);
    }
  }
  return out;
}

// As a mail reader shows it: encoded words decoded, the folds between them dropped.
std::string decoded(std::string_view header) {
  constexpr std::string_view kStart = "=?UTF-8?B?";
  std::string out;
  while (!header.empty()) {
    const std::size_t start = header.find(kStart);
    const std::size_t end =
        start == header.npos ? header.npos : header.find("?=", start + kStart.size());
    if (end == header.npos) return out.append(header);
    out += header.substr(0, start);
    out += from_base64(header.substr(start + kStart.size(), end - start - kStart.size()));
    header.remove_prefix(end + 2);
    if (header.starts_with("\r\n =?")) header.remove_prefix(3);
  }
  return out;
}

void check_subject(const std::string& subject) {
  const std::string header = encoded_subject(subject);
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool folds = header.substr(i, 4) == "\r\n =";
    TOCSIN_CHECK((header[i] >= ' ' && header[i] <= '~') || folds ||
                 (i > 0 && header[i - 1] == '\r'));
  }
  TOCSIN_CHECK(decoded(header) == subject);
}

void check_mail(const OutgoingMessage& message, Instant date) {
  const std::string mail = mail_message(message, "tocsin@example.org", date);
  const std::size_t blank = mail.find("\r\n\r\n");
  TOCSIN_CHECK(blank != std::string::npos);
  std::size_t headers = 0;
  for (std::size_t at = 0; at < blank; at = mail.find("\r\n", at) + 2) {
    const std::string_view line = std::string_view(mail).substr(at, mail.find("\r\n", at) - at);
    TOCSIN_CHECK(line.size() <= 998 && line.find_first_of("\r\n") == line.npos);
    if (!line.starts_with(' ')) ++headers;
  }
  TOCSIN_CHECK(headers == 9);  // the nine of ours; none from outside
  TOCSIN_CHECK(from_base64(std::string_view(mail).substr(blank + 4)) == message.text);
}

void check_webhook(const OutgoingMessage& message) {
  google::protobuf::Struct json;
  TOCSIN_CHECK(google::protobuf::util::JsonStringToMessage(webhook_body(message), &json).ok());
  const auto field = [&](const char* name) { return json.fields().at(name).string_value(); };
  TOCSIN_CHECK(json.fields_size() == 4);
  TOCSIN_CHECK(field("idempotency_key") == message.idempotency_key);
  TOCSIN_CHECK(field("recipient") == message.recipient);
  TOCSIN_CHECK(field("subject") == message.subject && field("text") == message.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(raw.find('\n'), raw.size());
  OutgoingMessage message{"duty@example.org", utf8(raw.substr(0, line)), utf8(raw.substr(line)),
                          "tocsin.7.3.1"};
  check_subject(message.subject);
  check_subject(message.text.substr(0, 4096));
  check_mail(message, Instant{static_cast<std::int64_t>(size) * 86'400'000'000'000});
  if (is_mail_address(raw)) {
    TOCSIN_CHECK(raw.find_first_of("\r\n <>") == raw.npos);
    message.recipient = std::string(raw);
    check_mail(message, Instant{});
  }
  check_webhook(message);
  return 0;
}
