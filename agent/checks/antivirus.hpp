// What a virus scanner says of what runs here and of what was put where anybody can write
// (procedure M-10): clamd over its socket, or a program of the host's own file.
//
// Facts: hits, engine, age of the signatures, how much was scanned, skipped, too large, in error,
// and what was not looked at: programs, folders, names, what may not be read. Verdicts: abnormal
// malware.found for each hit, a person says whether it is one; cannot tell antivirus.no_scanner,
// .signatures_old (72 h), .signatures_unknown, .unfinished, .errors, .nothing_scanned,
// .programs_unseen, .folder_unseen, .more_folders, .names_left, .unreadable; normal
// antivirus.clean, with antivirus.left_out beside.
//
// No finding: a file that went away meanwhile, or is no regular one; signatures two days old; a
// folder of the usual list that the host never had.
//
// Cost: every hour, at most 2000 files and 512 MiB a round, 25 MiB a file, 20 s each, 131,072 names
// looked at; a file that was clean is asked about again only when it or the signatures changed, or
// a day went by. Of a backup's storage nothing is walked: only the folders that the file names,
// sixteen deep.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_antivirus(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
