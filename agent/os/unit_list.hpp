// The services and timers that run or would start by themselves (procedure M-09), from systemd.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// Text is raw.
struct ListedUnit {
  std::string name;
  std::string file;      // that defines it; empty where it has none
  bool active = false;   // or about to be
  bool enabled = false;  // starts by itself
};

// Units whose name ends in .service or .timer, sorted by name; a template is listed where it is
// enabled, its instances where they run. Asks systemd twice, which costs it some milliseconds.
// Errors: as unit_properties.
Result<std::vector<ListedUnit>> list_units(std::string_view root, Duration limit);

}  // namespace tocsin::agent::os
