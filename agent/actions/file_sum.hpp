// Hashes of whole files, read piece by piece: programs may be large.
#pragma once

#include <string>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// In hex. Errors: resource_exhausted (over 1 GiB), as the system says.
Result<std::string> sha256_of(const os::Fd& file);
Result<std::string> md5_of(const os::Fd& file);

}  // namespace tocsin::agent
