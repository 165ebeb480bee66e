// The systemd journal of this host, open for reading. Only for the files of this folder that read
// it: it shows the library's own type.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

struct sd_journal;

namespace tocsin::agent::os {

using Journal = std::unique_ptr<sd_journal, void (*)(sd_journal*)>;

// `root`: where the host's files are. Errors: not_found (it keeps no journal), those of the system.
Result<Journal> open_journal(std::string_view root);

// Where it stands; empty where it stands at no entry.
std::string current_cursor(sd_journal* journal);

}  // namespace tocsin::agent::os
