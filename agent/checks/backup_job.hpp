// Asks a backup system how its backups stand (procedure G-06): TSM (IBM Storage Protect) or restic,
// as the host's own file names them. Reads with an account that may only look; every program has a
// deadline and a bounded output, and no secret is on its command line.
//
// An integrity check and a restore test take long: they run on a thread beside, one at a time and
// seldom, and begin with a check's second run, so that a look on request starts none.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_backup_job(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
