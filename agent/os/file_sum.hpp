// Hashes of whole files, read piece by piece: programs may be large.
#pragma once

#include <string>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// In hex. Errors: resource_exhausted (over 1 GiB), as the system says.
Result<std::string> sha256_of(const Fd& file);
Result<std::string> md5_of(const Fd& file);

}  // namespace tocsin::agent::os
