// Does a service speak its own protocol? What is said to it and what its first bytes mean. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/facts.hpp"
#include "common/net/ip.hpp"

namespace tocsin::agent {

enum class AnswerScheme : std::uint8_t { tcp, banner, http, tls };
struct AnswerUrl {
  AnswerScheme scheme = AnswerScheme::tcp;
  net::IpAddress address;
  std::uint16_t port = 0;
  std::string path;  // of http
};
// "tcp://h:p", "banner://h:p", "http://h[:p][/path]", "tls://h:p", "https://h[:p]": h is an
// address, never a name, an IPv6 one in brackets. An https address is asked for TLS only: what it
// serves inside cannot be seen without its certificate being trusted.
std::optional<AnswerUrl> parse_answer_url(std::string_view text);

// What is sent first; empty where the service speaks first, or nobody has to.
std::string greeting(const AnswerUrl& url);

struct Said {
  model::AnswerOutcome outcome = model::AnswerOutcome::no_answer;
  std::uint32_t status = 0;
  std::string line;  // the first, cleaned
};
// What the first bytes mean. nullopt: more are needed, and `ended` is false.
std::optional<Said> meaning_of_answer(AnswerScheme scheme, std::string_view bytes, bool ended);

}  // namespace tocsin::agent
