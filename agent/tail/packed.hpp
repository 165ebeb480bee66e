// A log's older part that logrotate packed before it was read to its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/os/files.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent {

// At most `limit` bytes from `offset` of what gzip packed into `file`. Unpacks from the start every
// time, so it refuses offsets over 1 GiB. Errors: data_loss (not gzip, or damaged),
// resource_exhausted (too far).
Result<std::string> unpack_gzip(const os::Fd& file, std::uint64_t offset, std::size_t limit);

}  // namespace tocsin::agent
