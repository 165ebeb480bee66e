// A point of a curve: how a host fares, for people to look at. Never judged, never journaled; may
// be lost.
#pragma once

#include <string>

#include "common/base/instant.hpp"

namespace tocsin::series {

struct Sample {
  std::string series;  // "cpu.busy", "disk./var.used", "plugin.ups.load"
  Instant at;          // by the host's wall clock
  double value = 0;    // finite
  friend bool operator==(const Sample&, const Sample&) = default;
};

}  // namespace tocsin::series
