// What services answer to a probe, and what names them: bytes of machines that nobody controls.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/checks/answer_facts.hpp"
#include "common/base/result.hpp"
#include "common/config/duration.hpp"
#include "common/config/endpoint.hpp"
#include "common/model/ports.hpp"
#include "common/model/targets.hpp"
#include "common/rules/network.hpp"

namespace {

using namespace tocsin;

void check_answer(agent::AnswerScheme scheme, std::string_view bytes) {
  const auto ended = agent::meaning_of_answer(scheme, bytes, true);
  TOCSIN_CHECK(ended.has_value());
  TOCSIN_CHECK(ended->line.find_first_of("\r\n\x1b") == std::string::npos);
  // What is understood before the end means the same at the end.
  if (const auto early = agent::meaning_of_answer(scheme, bytes, false)) {
    TOCSIN_CHECK(early->outcome == ended->outcome && early->status == ended->status);
  }
}

// Where to look: lists that a policy or an operator names.
void check_targets(std::string_view text) {
  constexpr std::size_t kMost = 64;
  if (const auto targets = model::parse_targets(text, kMost)) {
    TOCSIN_CHECK(targets->size() <= kMost);
    for (const std::string& one : *targets) {
      TOCSIN_CHECK(model::parse_targets(one, 1) == std::vector<std::string>{one});
      TOCSIN_CHECK(rules::parse_network(one).has_value());
    }
  }
  if (const auto network = rules::parse_network(text)) {
    TOCSIN_CHECK(rules::contains(*network, *network) && rules::overlaps(*network, *network));
  }
  if (const auto endpoint = config::parse_endpoint(text)) {
    TOCSIN_CHECK(config::parse_endpoint(to_string(*endpoint)) == *endpoint);
  }
  if (const auto duration = config::parse_duration(text)) {
    TOCSIN_CHECK(config::parse_duration(config::duration_text(*duration)) == *duration);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto scheme : {agent::AnswerScheme::tcp, agent::AnswerScheme::banner,
                            agent::AnswerScheme::http, agent::AnswerScheme::tls}) {
    check_answer(scheme, bytes);
  }
  if (const auto url = agent::parse_answer_url(bytes)) {
    TOCSIN_CHECK(url->port != 0);
    TOCSIN_CHECK(agent::greeting(*url).size() < 2048);
  }
  check_targets(bytes);
  if (const auto ports = model::parse_ports(bytes)) {
    TOCSIN_CHECK(!ports->empty() && ports->size() <= model::kMostPorts);
  }
  return 0;
}
