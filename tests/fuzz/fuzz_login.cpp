// What the program that logs in may say to the check, and what a check remembered: the words in it
// come from other machines.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/checks/login_facts.hpp"
#include "agent/login/answer.hpp"
#include "agent/login/codes.hpp"
#include "agent/login/host_key.hpp"
#include "common/base/result.hpp"

using namespace tocsin;
using namespace tocsin::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = parse_answer(text)) {
    const auto again = parse_answer(to_text(*answer));
    TOCSIN_CHECK(again && again->outcome == answer->outcome);
  }
  if (const auto past = parse_login_past(text)) {
    // What was kept can be read at the next run, and a hold ends.
    TOCSIN_CHECK(parse_login_past(to_text(*past)).has_value());
    const LoginSettings settings;
    TOCSIN_CHECK(hold_of(settings, past->turned_down) <= 24h);
    TOCSIN_CHECK(!must_wait(*past, settings, past->tried + 24h, LoginOccasion{}));
  }
  if (const auto key = read_host_key(std::string(text))) {
    TOCSIN_CHECK(key->key != nullptr && !key->algorithms.empty());
  }
  if (const auto request = parse_ssh_request(text)) TOCSIN_CHECK(request->limit > 0s);
  const auto local = parse_local_request(text);
  TOCSIN_CHECK(!local || local->account.size() <= size);
  LoginAnswer answer;
  read_command_answer("00ff", text, answer);
  TOCSIN_CHECK(answer.said.size() <= 256);
  TOCSIN_CHECK(is_turned_down(refusal_of(text).outcome));
  TOCSIN_CHECK(answer.outcome == model::LoginOutcome::succeeded || is_turned_down(answer.outcome));
  return 0;
}
