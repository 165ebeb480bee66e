// Whether a state and a journal belong together: one of them may have been put back from a copy.
#pragma once

#include "collector/ports/journal.hpp"
#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::collector {

// A state that was judged up to entry `judged`, whose journal time was `judged_at`, can go on with
// `journal`: it has that entry, and everything after it. An older state can; it judges what came
// since. Errors: failed_precondition, with what does not fit and what to do; those of reading.
Status same_history(JournalReader& journal, Position judged, Instant judged_at);

}  // namespace tocsin::collector
