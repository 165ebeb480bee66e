// The processes of the control groups: a list that the kernel keeps apart from /proc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

// The numbers of a cgroup.procs file; lines that are not numbers, and 0 (of another namespace), are
// left out.
std::vector<std::uint32_t> parse_cgroup_processes(std::string_view text);

// Of every group below the host's first hierarchy, in rising order; at most `most` groups are read.
// Errors: not_found (no hierarchy).
Result<std::vector<std::uint32_t>> cgroup_processes(std::string_view root, std::size_t most);

}  // namespace tocsin::agent::os
