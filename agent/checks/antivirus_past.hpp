// What a virus scan must not forget when the agent starts anew: where something was found, and
// which folders were there. Without it a file system that is not mounted after a restart would be a
// folder without a virus. Pure. Kept as bounded text in the check's cursor.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/model/check.hpp"

namespace tocsin::agent {

// A file as the kernel tells it from others: device and inode.
using FileKey = std::pair<std::uint64_t, std::uint64_t>;

struct AntivirusPast {
  // Where something was found, until the file was looked at again or is gone; at most
  // limits::kAntivirusHits.
  std::map<FileKey, model::AntivirusHit> infected;
  // Such places beyond what is kept, until a round is complete.
  std::uint32_t infected_over_limit = 0;
  // Folders that were there, by clean_text, and whether a file system was mounted on them.
  std::map<std::string, bool> folders;
  friend bool operator==(const AntivirusPast&, const AntivirusPast&) = default;
};

// At most 48 KiB; hits that find no room are counted in it.
std::string to_text(const AntivirusPast& past);
// Nothing where that is no such text.
std::optional<AntivirusPast> parse_antivirus_past(std::string_view text);

}  // namespace tocsin::agent
