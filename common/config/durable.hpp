// Bytes and names that are to be on the disk, whatever happens next. Blocks.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::config {

// All of them to a file or pipe. 0, or the errno that stopped it; part of them may be there then.
int write_all(int fd, std::string_view bytes);

// The names in a folder: what was made, renamed or removed there. Errors: as the system says.
Status sync_folder(const std::string& folder);

}  // namespace tocsin::config
