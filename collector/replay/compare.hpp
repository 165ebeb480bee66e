// Two states made of the same journal, and where they decided differently. Only what people were
// told or see counts: incidents, their grades and ends, who was told of them. Not timers or
// counters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/ports/state.hpp"

namespace tocsin::collector {

struct Comparison {
  std::uint64_t incidents = 0;     // in either
  std::uint64_t different = 0;     // of them
  std::vector<std::string> lines;  // "#12 SI-115-0012 web1: peak C -> B", at most kDifferences
  std::uint64_t lines_left_out = 0;
};
inline constexpr std::size_t kDifferences = 1000;

// Errors: those of the readers.
Result<Comparison> compare(StateReader& recorded, StateReader& replayed);

}  // namespace tocsin::collector
