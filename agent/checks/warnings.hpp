// Abnormal warnings in a log (procedure M-04). Target: a file's absolute path, or "journal".
// Records stay on the host: what goes up is what they mean, how many there were, and one example of
// each.
//
// Verdicts: abnormal warning.access, .backup, .critical, .system by what the message catalogue says
// of the record; cannot tell warning.no_log (nothing is there, for a minute or ever), .more, .lost,
// .lost_track, .behind, .more_entries (not all was read); normal warning.ok, with warning.seen for
// what is no error. Beside any of them warning.cut: what was behind the first 16 KiB of a record
// was not looked at.
//
// No finding: records that the catalogue does not know, unless the journal says that they are
// critical or worse; what was logged before the first run, and
// what the login test of this site leaves ([warnings] probe_accounts).
//
// Cost: every 30 s what was appended, at most 4 MiB of a file or 20,000 entries of the journal; the
// rest comes next time. The position is the check's durable cursor: no record is left out or
// counted twice, through rotation and restart.
#pragma once

#include <string>

#include "agent/checks/check.hpp"
#include "agent/config/settings.hpp"
#include "common/base/result.hpp"
#include "common/catalogue/catalogue.hpp"

namespace tocsin::agent {

// What ships and the host's own files, those below `root`. Errors: every mistake in one of them, as
// the system says.
Result<catalogue::Catalogue> load_catalogue(const std::string& root,
                                            const WarningsSettings& settings);

model::Observation observe_warnings(const model::CheckDefinition& check, CheckContext& context);

// A look that nobody goes on from, of a check that says what is new, without what an earlier look
// left: it would find nothing new whatever the log holds.
bool is_first_look(const model::CheckRef& check, const CheckContext& context);
// In its place: why it cannot tell.
model::Observation tell_first_look(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
