// The address of a service and the protocol it should speak, as people write it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/ip.hpp"

namespace tocsin::net {

enum class AnswerScheme : std::uint8_t { tcp, banner, http, tls };
struct AnswerUrl {
  AnswerScheme scheme = AnswerScheme::tcp;
  IpAddress address;
  std::uint16_t port = 0;
  std::string path;  // of http
};
// "tcp://h:p", "banner://h:p", "http://h[:p][/path]", "tls://h:p", "https://h[:p]": h is an
// address, never a name, an IPv6 one in brackets. An https address is asked for TLS only: what it
// serves inside cannot be seen without its certificate being trusted.
std::optional<AnswerUrl> parse_answer_url(std::string_view text);

}  // namespace tocsin::net
