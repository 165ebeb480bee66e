// Does a service speak its own protocol? What is said to it and what its first bytes mean. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/facts.hpp"
#include "common/net/answer_url.hpp"

namespace tocsin::agent {

using net::AnswerScheme;
using net::AnswerUrl;
using net::parse_answer_url;

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
