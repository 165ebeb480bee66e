// A message as RFC 5322 and MIME write it: UTF-8 in base64, lines of a length that mail servers
// take, headers that nothing from outside can break out of. Pure.
#pragma once

#include <string>
#include <string_view>

#include "collector/ports/channel.hpp"
#include "common/base/instant.hpp"

namespace tocsin::collector {

// Is it an address that may be put between < and >: printable ASCII, one @, no space or bracket?
bool is_mail_address(std::string_view text);

// RFC 2047: "=?UTF-8?B?…?=", folded; plain ASCII stays as it is, unless it looks like an encoded
// word itself.
std::string encoded_subject(std::string_view subject);

// "<key@domain>", the domain being that of `from`: the same for every attempt, so that a mail sent
// again after a crash is the same mail.
std::string message_id(std::string_view idempotency_key, std::string_view from);

// The whole message, lines ended with CRLF.
std::string mail_message(const OutgoingMessage& message, std::string_view from, Instant date);

}  // namespace tocsin::collector
