// The judge's state in one SQLite file (WAL, synchronous=NORMAL): a document a row (common/wire),
// and beside it the columns that queries need. A commit is one transaction with the cursor.
//
// A commit is whole and survives the end of the process, but is on the disk only with the next
// checkpoint: after a power cut the state may be older than the journal, whose every entry is on
// the disk before it is judged, and what came since is judged again, to the same end. A commit that
// waited for the disk would make every acknowledgement wait behind it. sync_state() is for what
// relies on the state alone: dropping the journal that it was made of.
//
// The state can always be made again from the journal, so a damaged file is refused with what and
// where, for an operator to move it away; it is never repaired or overwritten.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "collector/ports/state.hpp"

namespace tocsin::collector {

struct SqliteStateOptions {
  // state.db; made when missing. One of an older version is raised to this version's schema after a
  // copy of it was made beside it: state.db.schema-1.
  std::string path;
  std::string vfs;  // SQLite VFS; tests put one that cuts the power here
};

// For the judge's thread. Errors: failed_precondition (a newer schema), data_loss (damaged, or not
// a state file), permission_denied, resource_exhausted. commit() answers resource_exhausted also to
// an I/O error that is not damage: nothing was changed, and the same call may work later.
Result<std::unique_ptr<StateStore>> open_state_store(const SqliteStateOptions& options);

// On return every commit() that returned before the call is on the disk. On a connection of its
// own; any thread. Errors: unavailable (a long query, or a commit, kept some of it back: try again
// later), those of opening.
Status sync_state(const SqliteStateOptions& options);

// A copy of a state file in a new file `to`: one moment of it, even while its collector runs.
// Errors: those of opening; already_exists.
Status copy_state(const SqliteStateOptions& from, const std::string& to);

// Queries on a connection of their own behind a mutex; any thread. The file must exist: open the
// store first. It sees every commit() that returned before its call.
Result<std::unique_ptr<StateReader>> open_state_reader(const SqliteStateOptions& options);

// One host's row, on a connection of its own as above.
using FindHost = std::function<Result<std::optional<model::Host>>(const AgentId&)>;
Result<FindHost> open_host_finder(const SqliteStateOptions& options);

}  // namespace tocsin::collector
