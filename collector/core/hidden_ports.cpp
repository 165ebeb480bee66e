#include "collector/core/hidden_ports.hpp"

#include <algorithm>
#include <string>

#include "collector/core/inquiry.hpp"

namespace tocsin::collector {
namespace {

// What the host says it listens on; nullptr where it does not say, or not all.
const model::SocketsFacts* own_list(const Context& context, const std::string& address) {
  const model::HostPolicy* policy = host_at(context.policy, address);
  if (policy == nullptr) return nullptr;
  for (const auto& [agent, host] : context.world.hosts.rows()) {
    if (host.name != policy->host || host.presence != model::Presence::heard || host.revoked) {
      continue;
    }
    for (const model::CheckStatus& status : host.checks) {
      const auto* facts = std::get_if<model::SocketsFacts>(&status.observation.facts);
      if (facts != nullptr && facts->listeners_over_limit == 0) return facts;
    }
  }
  return nullptr;
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
  const model::SocketsFacts* own = facts == nullptr ? nullptr : own_list(context, facts->address);
  if (own == nullptr) return;
  for (const std::uint16_t port : facts->open) {
    if (lists(*own, port)) continue;
    const std::string text = std::to_string(port);
    const model::Message message{"port.hidden", {{"address", facts->address}, {"port", text}}};
    judgement.verdict = model::Verdict::abnormal;
    judgement.reasons.insert(judgement.reasons.begin(), message);
    judgement.violations.push_back({"port.hidden", facts->address + " tcp " + text, message});
  }
}

}  // namespace tocsin::collector
