// Folds a journal again with the rules of this version, and says where they decide differently from
// what the collector recorded then. Nothing is written: the collector itself never folds the past
// again, so this is how a new version or a changed policy is tried on history.
#pragma once

#include <cstdint>
#include <string>

#include "collector/core/fold.hpp"
#include "collector/replay/compare.hpp"

namespace tocsin::collector {

struct ReplayOptions {
  std::string directory;    // the collector's: holds journal/ and state.db
  std::string policy_file;  // judges by this one all the way; empty: by those of the journal
  // A copy of state.db from earlier, to go on from; empty: from nothing, which needs the whole
  // journal. It must have judged all that has gone from the journal since.
  std::string from_file{};
};

struct Replayed {
  std::uint64_t entries = 0;
  Position first;  // 1, or where the earlier state ends
  Position last;   // as far as the state was judged
  Comparison comparison;
};

// Errors: failed_precondition (a newer schema; what is to be judged first was dropped from the
// journal; the earlier state is not earlier), data_loss (damage), not_found, invalid_argument (the
// policy file).
Result<Replayed> replay(const ReplayOptions& options);

}  // namespace tocsin::collector
