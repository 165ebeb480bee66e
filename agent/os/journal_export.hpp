// The host's journal in systemd's own export format, which `systemd-journal-remote` and other tools
// read: every field of every entry, nothing interpreted.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::agent::os {

// One field as the format writes it: a line, or where its value is no plain text with its length
// before it. Pure.
void append_export_field(std::string& entry, std::string_view name, std::string_view value);

struct JournalExport {
  std::uint64_t entries = 0;
  bool whole = true;  // from `since` on; false: older ones did not fit
};
// The newest entries since `since` that fit into `most_bytes`, oldest first; `sink` takes them
// until it says false. About 20 us an entry, twice. Errors: not_found (no journal),
// permission_denied.
Result<JournalExport> export_journal(std::string_view root, Instant since, std::uint64_t most_bytes,
                                     std::stop_token stop,
                                     const std::function<bool(std::string_view)>& sink);

}  // namespace tocsin::agent::os
