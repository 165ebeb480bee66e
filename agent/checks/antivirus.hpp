// What a virus scanner says of what runs here and of what was put where anybody can write
// (procedure M-10): clamd over its socket, or a program of the host's own file.
//
// Facts: hits, engine, age of the signatures, and how much was scanned, skipped, too large, in
// error. Verdicts: abnormal malware.found for each hit, a person says whether it is one; cannot
// tell antivirus.no_scanner, .signatures_old (72 h), .signatures_unknown, .unfinished, .errors;
// normal antivirus.clean, with antivirus.left_out beside.
//
// No finding: a file that went away meanwhile, or is no regular one; signatures two days old.
//
// Cost: every hour, at most 2000 files and 512 MiB a round, 25 MiB a file, 20 s each; a file that
// was clean is asked about again only when it or the signatures changed. Of a backup's storage
// nothing is walked: only the folders that the file names, six deep.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_antivirus(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
