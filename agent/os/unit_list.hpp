// The services and timers that run or would start by themselves (procedure M-09), from systemd.
#pragma once

#include <set>
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

// The name under which a service that runs is listed: its own, but for the instance that a socket
// with Accept=yes starts for each connection. That has a name which never comes again, "echo@7-…",
// so nobody could approve it; it is its template, "echo@.service". `sockets`: the names of units
// that end in .socket. Source: systemd.socket(5); the instance begins with a serial number and "-".
std::string listed_as(const std::string& name, const std::set<std::string>& sockets);

// Units whose name ends in .service or .timer, sorted by name; a template is listed where it or its
// socket is enabled, its instances where they run. Asks systemd twice, which costs it some
// milliseconds. Errors: as unit_properties.
Result<std::vector<ListedUnit>> list_units(std::string_view root, Duration limit);

}  // namespace tocsin::agent::os
