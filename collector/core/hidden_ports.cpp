#include "collector/core/hidden_ports.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "collector/core/inquiry.hpp"

namespace tocsin::collector {
namespace {

constexpr std::string_view kPrefix = "bind/";
constexpr Duration kAskAgain = 10min;
constexpr Duration kQuestionLife = 30s;
constexpr std::size_t kPortsAsked = 32;

// What a host says it listens on.
struct OwnList {
  AgentId agent;
  const model::SocketsFacts* facts = nullptr;  // nullptr: it does not say, or not all
};
OwnList own_list(const Context& context, const std::string& address) {
  const model::HostPolicy* policy = host_at(context.policy, address);
  if (policy == nullptr) return {};
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (host.name != policy->host || host.presence != model::Presence::heard || host.revoked) {
      continue;
    }
    for (const model::CheckStatus& status : host.checks) {
      const auto* facts = std::get_if<model::SocketsFacts>(&status.observation.facts);
      if (facts != nullptr && facts->listeners_over_limit == 0) return {agent, facts};
    }
  }
  return {};
}

// Whether the ports are taken there can be told on the host alone.
void ask_host(const Context& context, const AgentId& agent, const std::string& address,
              std::string ports) {
  const std::string key = std::string(kPrefix) + address;
  std::int64_t asked = 0;
  const std::string_view text = context.world.value(key);
  std::from_chars(text.data(), text.data() + text.size(), asked);
  if (!text.empty() && context.now - Instant{asked} < kAskAgain) return;
  context.world.set_value(key, std::to_string(context.now.ns));
  model::CheckDefinition question;
  question.check = {model::CheckKind::sockets, {}};
  question.ports = std::move(ports);
  context.effects.requests.push_back(
      {agent,
       {fmt::format("{}{}/{}", kPrefix, context.position.value, address), kQuestionLife,
        std::move(question)}});
}

bool lists(const model::SocketsFacts& facts, std::uint16_t port) {
  return std::any_of(facts.listeners.begin(), facts.listeners.end(),
                     [&](const model::Listener& listener) {
                       return listener.protocol == model::Protocol::tcp && listener.port == port &&
                              listener.address_class != model::AddressClass::loopback;
                     });
}

}  // namespace

void add_hidden_ports(const Context& context, const model::Observation& scan,
                      model::Judgement& judgement) {
  const auto* facts = std::get_if<model::PortScanFacts>(&scan.facts);
  if (facts == nullptr) return;
  const OwnList own = own_list(context, facts->address);
  if (own.facts == nullptr) {
    judgement.unseen.push_back({"port.hidden", model::Unseen::Subjects::any, {}});
    return;
  }
  std::string unlisted;
  std::size_t count = 0;
  for (const std::uint16_t port : facts->open) {
    if (lists(*own.facts, port)) continue;
    const std::string text = std::to_string(port);
    if (count++ < kPortsAsked) unlisted.append(unlisted.empty() ? "" : ",").append(text);
    const model::Message message{"port.hidden", {{"address", facts->address}, {"port", text}}};
    judgement.verdict = model::Verdict::abnormal;
    judgement.reasons.insert(judgement.reasons.begin(), message);
    judgement.violations.push_back({"port.hidden", facts->address + " tcp " + text, message});
  }
  if (!unlisted.empty()) ask_host(context, own.agent, facts->address, std::move(unlisted));
}

bool is_port_question(std::string_view request_id) { return request_id.starts_with(kPrefix); }

}  // namespace tocsin::collector
