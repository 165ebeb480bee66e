// How a backup system says its backups stand (procedure G-06): TSM (IBM Storage Protect) or restic,
// as the host's own file names them. Target: a name of [[backups]].
//
// Facts: age of the last backup of each source, failed and missed schedules, severe messages,
// space, devices, and what an integrity check and a restore test said. Verdicts: abnormal
// backup.rpo, .never, .failed, .missed, .severe, .unreachable, .database_old, .database_full,
// .log_full, .pool_full, .drive_offline, .path_offline, .volume_readonly, .volume_unavailable,
// .integrity_failed, .integrity_old, .restore_failed, .restore_old; cannot tell backup.blind,
// .integrity_unknown, .restore_unknown; normal backup.ok.
//
// No finding: errors that are no severe ones (backup.errors is told), a question that the account
// may not ask, a test that could not be begun.
//
// Cost: every 15 min, about ten sessions of dsmadmc or one listing of restic, each bounded in time
// and output (1 and 16 MiB), with an account that may only look and no secret on a command line.
// The integrity check and the restore test (64 MiB at most) take long: on a thread beside, one at a
// time, once a day and once a week, and from a check's second run on, so that a look on request
// starts none.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_backup_job(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
