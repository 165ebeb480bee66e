// Ports that were tried, as facts. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/model/facts.hpp"

namespace tocsin::agent {

enum class PortState : std::uint8_t { open, closed, filtered };
struct TriedPort {
  std::uint16_t port = 0;
  PortState state = PortState::filtered;
};

// `asked`: how many should have been tried. Open ports come out sorted, at most limits::kOpenPorts.
model::PortScanFacts port_scan_facts(const std::string& address,
                                     const std::vector<TriedPort>& tried, std::size_t asked);

}  // namespace tocsin::agent
