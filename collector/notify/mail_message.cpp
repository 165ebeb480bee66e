#include "collector/notify/mail_message.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "common/time/civil.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kAddressBytes = 254;
constexpr std::size_t kBase64Line = 76;
constexpr std::size_t kWordBytes = 45;  // 60 characters of base64: an encoded word has at most 75

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < left ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= left ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// At most `most` bytes that do not cut a character of UTF-8.
std::string_view beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto is_continuation = [&](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
  };
  while (most > 1 && is_continuation(most)) --most;
  return text.substr(0, most);
}

// "Sun, 22 Nov 2026 18:47:42 +0000"
std::string mail_date(Instant date) {
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::array kDays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::int64_t kDayNs = 86'400'000'000'000;
  const time::Civil at = time::civil(date, "UTC").value_or(time::Civil{});
  const auto days = static_cast<std::size_t>(std::max<std::int64_t>(date.ns, 0) / kDayNs);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[days % 7], at.day,
                     kMonths[static_cast<std::size_t>(at.month - 1)], at.year, at.hour, at.minute,
                     at.second);
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const auto allowed = [](char c) { return c > ' ' && c <= '~' && c != '<' && c != '>'; };
  return text.size() <= kAddressBytes && std::all_of(text.begin(), text.end(), allowed) &&
         std::count(text.begin(), text.end(), '@') == 1 && text.front() != '@' &&
         text.back() != '@';
}

std::string encoded_subject(std::string_view subject) {
  // What looks like an encoded word would be decoded by the reader's program.
  const bool looks_encoded = subject.find("=?") != std::string_view::npos;
  if (is_plain(subject) && !looks_encoded && subject.size() <= kBase64Line) {
    return std::string(subject);
  }
  std::string text;
  while (!subject.empty()) {
    const std::string_view word = beginning(subject, kWordBytes);
    if (!text.empty()) text += "\r\n ";
    text += fmt::format("=?UTF-8?B?{}?=", base64(word));
    subject.remove_prefix(word.size());
  }
  return text;
}

std::string message_id(std::string_view idempotency_key, std::string_view from) {
  return fmt::format("<{}@{}>", idempotency_key, from.substr(from.find('@') + 1));
}

std::string mail_message(const OutgoingMessage& message, std::string_view from, Instant date) {
  std::string text = fmt::format(
      "Date: {}\r\nFrom: <{}>\r\nTo: <{}>\r\nMessage-ID: {}\r\nSubject: {}\r\n"
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
      mail_date(date), from, message.recipient, message_id(message.idempotency_key, from),
      encoded_subject(message.subject));
  const std::string body = base64(message.text);
  for (std::size_t i = 0; i < body.size(); i += kBase64Line) {
    text.append(body, i, kBase64Line);
    text += "\r\n";
  }
  return text;
}

}  // namespace tocsin::collector
