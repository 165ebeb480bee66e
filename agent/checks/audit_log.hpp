// Whether an audit log is still there, whole and growing, and whether what writes it works
// (procedure M-05). Target: a file's absolute path, or "journal". The content itself never leaves
// the host.
//
// Verdicts: abnormal audit.missing, .emptied, .shrunk, .rewritten, .altered, .zeroed, .gap,
// .edited, .history_gone, .stopped, .disabled, .diverted, .lost_records, .heartbeat_missing, each
// suspected only; cannot tell audit.not_readable, .never_on, .off, .heartbeat_refused, .uncopied
// and audit.cannot_tell with its reason; normal audit.ok, and audit.explained after a rotation or
// as retention says.
//
// No finding: rotation with the old content beside, a full disk, a log in memory after a restart,
// one that was never on, a writer that was never seen to work. What a journal may forget without
// one is in journal_retention.hpp.
//
// A log that was written again without some of its records is audit.edited, whatever lies beside
// it: the lines that are still there tell it from one that begins anew (line_marks.hpp). A packed
// part counts as the old content where it holds what was read, by the same sums; one that another
// program than gzip packed, or that is too large, is cannot tell while it is young.
//
// A log that is copied and then cut loses what is written in between, and a look may have seen it:
// the copy then lacks the last of what was read. Where it is the rest, byte by byte, and lacks a
// few lines that no look saw before the copy was made, nobody can tell an honest rotation from
// somebody who took them out: audit.uncopied, for a day, with their length (Uncopied says what it
// takes). Any more is audit.emptied, .shrunk or .rewritten, as is a second time that goes over the
// same bounds.
//
// Cost, every 30 s: the first and last 4 KiB, what was appended, of wtmp and btmp the newest
// megabyte and three of the others in turn (login_records.hpp), 128 KiB of what was written before
// and 4 MiB more in turn (agent/tail/prefix.hpp); of the journal both ends, its new entries and the
// sizes of its files; of the audit trail a question to the kernel, half a second at most. A copy
// that lacks a little, a packed one and a file that came in the log's place are read once, 256 MiB
// each at most. What was seen is the check's cursor, so a
// restart loses nothing. A file that is cut or renamed is looked at at once.
//
// Of a flood a look takes 64 MiB of a file and 100,000 entries of the journal, half a second of one
// processor, and the next goes on there: nothing is passed over. What no look has gone through yet,
// or never will because the log was rotated meanwhile, is said beside the verdict (audit.unread,
// audit.uncounted).
//
// Every five minutes the check writes a record of a hundred bytes to the log, where it knows the
// way there, and looks for it: the one thing that this agent writes on a host. [audit] of the
// host's own file turns it off.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_audit_log(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
