// How this host fares (memory, disks, clock, load, network), of no clause of the procedure but
// behind several: what hinders a log or a backup. From the kernel, without starting anything.
//
// What tells something becomes facts, in steps of 1 %; the exact numbers become curves beside the
// journal. Verdicts: abnormal disk.space_low, .space_full, .inodes_low, .inodes_full, .read_only,
// memory.exhausted, .killed, clock.unsynchronized, .wrong (limits: [limits.metrics] of site.toml);
// cannot tell metrics.memory_unknown, clock.unknown, metrics.unseen; normal metrics.ok, with
// memory.limit_killed beside.
//
// No finding: little memory while no program waits for it; pseudo and network file systems; a disk
// that was never mounted for writing.
//
// Cost: every 30 s about ten files of /proc and one statvfs for each local disk, 64 interfaces at
// most; no deadline but the check's: a disk that hangs is one stuck run.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_metrics(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
