// A first baseline for a host: what listens now, for its owner to read and approve. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/model/check.hpp"

namespace tocsin::config {

// A [[baselines]] table for the site policy that approves the listeners of one observation: each
// protocol, address class, port, program and account once, in a stable order. A program that was
// deleted, lives in memory only or may be written by anybody is never proposed; it is named in a
// comment instead, and so is what the observation could not see.
std::string starter_baseline_toml(const model::SocketsFacts& facts, std::string_view name,
                                  std::uint32_t version);

}  // namespace tocsin::config
