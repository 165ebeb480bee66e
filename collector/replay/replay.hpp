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
};

struct Replayed {
  std::uint64_t entries = 0;
  Position last;  // as far as the state was judged
  Comparison comparison;
};

// Errors: failed_precondition (a newer schema; the oldest segments were dropped, so that the
// beginning is missing), data_loss (damage), not_found, invalid_argument (the policy file).
Result<Replayed> replay(const ReplayOptions& options);

}  // namespace tocsin::collector
