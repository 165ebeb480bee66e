// Whom this host may probe: what its own file allows, and nobody else (procedure M-07).
#pragma once

#include <string_view>

#include "agent/config/settings.hpp"

namespace tocsin::agent {

// Is the address in one of the networks of settings.probe_targets?
bool may_probe(const HostSettings& settings, std::string_view address);

}  // namespace tocsin::agent
