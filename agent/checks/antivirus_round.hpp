// One round of a virus scan: the programs that run, then the folders of the host's own file, in
// order of name. It ends at its budget, and the next one goes on there and comes round to the
// beginning, so that everything has its turn. What is known to be clean costs nothing of it.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/checks/antivirus_past.hpp"
#include "agent/checks/antivirus_scanner.hpp"
#include "agent/checks/check.hpp"
#include "agent/checks/observation.hpp"
#include "agent/os/files.hpp"

namespace tocsin::agent {

// Where a round stands. Before all others: where it begins.
struct ScanPlace {
  std::size_t part = 0;            // 0: programs, then each folder
  std::vector<std::string> names;  // the way down from it
  friend auto operator<=>(const ScanPlace&, const ScanPlace&) = default;
  // True where this place lies on the way to the other, or is it.
  bool leads_to(const ScanPlace& other) const;
};

// What a round leaves to the next ones.
struct AntivirusMemory final : CheckMemory {
  // Was clean under these signatures, as long as it is the same file, and for a day.
  struct Clean {
    os::FileStat stat;
    MonoTime at;
    std::uint32_t round = 0;  // in which it was there last
  };
  std::map<FileKey, Clean> clean;
  AntivirusPast past;      // also in the cursor
  std::string signatures;  // by which `clean` was judged
  ScanPlace next;
  std::uint32_t round = 0;
};

// Scans one round and adds what it saw to `facts`. Blocks until the budget or the run's time is
// spent.
model::AntivirusFacts scan_round(const Run& run, const CheckContext& context, Scanner& scanner,
                                 AntivirusMemory& memory, model::AntivirusFacts facts);

}  // namespace tocsin::agent
