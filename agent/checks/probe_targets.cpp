#include "agent/checks/probe_targets.hpp"

#include <algorithm>

#include "common/rules/network.hpp"

namespace tocsin::agent {

bool may_probe(const HostSettings& settings, std::string_view address) {
  const auto target = rules::parse_network(address);
  return target && std::any_of(settings.probe_targets.begin(), settings.probe_targets.end(),
                               [&](const std::string& text) {
                                 const auto allowed = rules::parse_network(text);
                                 return allowed && rules::contains(*allowed, *target);
                               });
}

}  // namespace tocsin::agent
