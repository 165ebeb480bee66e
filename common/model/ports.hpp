// Port lists as people write them: "22,80,1500-1510". Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::model {

inline constexpr std::size_t kMostPorts = 4096;  // of one scan

// Sorted, each once. nullopt: not such a list, or more than kMostPorts.
std::optional<std::vector<std::uint16_t>> parse_ports(std::string_view text);
// "22,80": sorted, each once, the first kMostListed of them, so that the text stays within
// limits::kText. Empty for none.
inline constexpr std::size_t kMostListed = 128;
std::string ports_text(std::vector<std::uint16_t> ports);
// The ports of both, as ports_text; of a text that is no list, none.
std::string merged_ports(std::string_view a, std::string_view b);

}  // namespace tocsin::model
