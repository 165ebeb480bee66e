// Port lists as people write them: "22,80,1500-1510". Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tocsin::model {

inline constexpr std::size_t kMostPorts = 4096;  // of one scan

// Sorted, each once. nullopt: not such a list, or more than kMostPorts.
std::optional<std::vector<std::uint16_t>> parse_ports(std::string_view text);

}  // namespace tocsin::model
