// What runs on this host, and what would start by itself (procedure M-09).
//
// Facts: processes grouped by name, program and user, with what is odd about the file (deleted, in
// memory only, writable by everybody, not as its package put it there), units, preload, hidden ids.
// Verdicts: abnormal process.unexpected with its signs, process.hidden, process.preload_file,
// unit.unexpected (only where the baseline lists units); cannot tell process.file_unknown,
// .packages_unknown, .not_permitted, .hidden_not_searched, unit.not_known, no baseline; normal
// process.ok.
//
// No finding: a program that a package update replaced (process.upgraded), kernel threads,
// processes that end while they are looked at, ids that are a thread's. One that cannot be looked
// into is still listed with what everybody may see.
//
// Cost: every 30 s one pass over /proc, 2 system calls for a process that is known and 20 for a new
// one (process_book.hpp), a search for hidden ids (hidden_processes.hpp); a program's file is
// hashed once and again when it changed, 256 MiB a look; units are listed every 5 min.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_processes(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
