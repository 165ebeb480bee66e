// Where journald keeps the host's journal, and what it was told about how much of it to keep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

struct JournalStore {
  std::string machine_id;          // whose journal it is; empty: unknown
  bool on_disk = false;            // not in memory, where a restart ends it
  std::vector<std::string> files;  // names, in the folder that is written to
  std::uint64_t bytes = 0;         // of these, and of those in memory from before
  std::uint64_t largest = 0;       // of the bytes of one file
  std::uint64_t space = 0;         // bytes of the file system, and of it free
  std::uint64_t free = 0;
  std::vector<std::string> settings;  // contents of journald.conf and what adds to it, in order
  bool all_settings = true;           // none of them could not be read
};

// A folder, its files' sizes and a few small files. Errors: not_found (no machine id, or no folder
// of it), as the system says.
Result<JournalStore> look_at_journal_store(std::string_view root);

}  // namespace tocsin::agent::os
