// A record of the agent's own in the host's logs, as any program would write it. Never waits: a
// daemon that takes nothing is an error.
#pragma once

#include <string_view>

#include "common/base/result.hpp"

namespace tocsin::agent::os {

inline constexpr std::string_view kOwnProgram = "tocsin-agent";

enum class Facility : int { daemon = 3, authpriv = 10 };

// To /dev/log. Errors: not_found, unavailable (nobody listens, or its queue is full),
// permission_denied.
Status write_syslog(std::string_view root, Facility facility, std::string_view text);

// To the journal, with a field TOCSIN_HEARTBEAT by which it is found again. Errors: as above.
Status write_journal(std::string_view root, std::string_view text, std::string_view mark);
// Has the journal an entry of this mark, written by this program's own user? Errors: as
// open_journal.
Result<bool> journal_has(std::string_view root, std::string_view mark);

}  // namespace tocsin::agent::os
