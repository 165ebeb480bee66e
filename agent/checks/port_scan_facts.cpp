#include "agent/checks/port_scan_facts.hpp"

#include <algorithm>

#include "common/base/limits.hpp"

namespace tocsin::agent {

model::PortScanFacts port_scan_facts(const std::string& address,
                                     const std::vector<TriedPort>& tried, std::size_t asked) {
  model::PortScanFacts facts;
  facts.address = address;
  facts.tried = static_cast<std::uint32_t>(tried.size());
  facts.complete = tried.size() >= asked;
  for (const TriedPort& one : tried) {
    switch (one.state) {
      case PortState::open:
        facts.open.push_back(one.port);
        break;
      case PortState::closed:
        ++facts.closed;
        break;
      case PortState::filtered:
        ++facts.filtered;
        break;
    }
  }
  std::sort(facts.open.begin(), facts.open.end());
  if (facts.open.size() > limits::kOpenPorts) {
    facts.open_over_limit = static_cast<std::uint32_t>(facts.open.size() - limits::kOpenPorts);
    facts.open.resize(limits::kOpenPorts);
  }
  return facts;
}

}  // namespace tocsin::agent
