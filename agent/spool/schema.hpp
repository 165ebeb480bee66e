// The spool's file: opening, creating, checking and setting aside. Knows tables, not facts.
//
// A row's `number` grows for the life of the file; the sequence number of a fact is `number` minus
// state.number_base, so a new epoch renumbers a full spool by changing one value.
#pragma once

#include <string>

#include <sys/types.h>

#include "agent/spool/spool.hpp"
#include "common/base/result.hpp"
#include "common/net/fd.hpp"
#include "common/sqlite/sqlite.hpp"

namespace tocsin::agent {

inline constexpr std::int64_t kSpoolSchema = 2;

struct SpoolFile {
  sqlite::Database database;
  dev_t device = 0;
  ino_t inode = 0;
  std::string set_aside;  // where the damaged file went; empty: nothing was damaged
  net::Fd bell_up;
  net::Fd bell_down;
};

// Serialized between processes by a lock file beside it. `fresh_epoch` is used if a file is
// created.
Result<SpoolFile> open_spool_file(const std::string& path, const SpoolOptions& options,
                                  Epoch fresh_epoch);

// Whether `why`, which a question to the file ended with just now, means that its content cannot be
// trusted; else the disk does not answer.
bool is_damage(const sqlite::Database& database, const Error& why);

// The path still names the file that was opened. Otherwise data_loss: the other process found it
// damaged and set it aside; what is written to it now would never be sent.
Status check_same_file(const SpoolFile& file);

}  // namespace tocsin::agent
