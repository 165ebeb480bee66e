// What a record of a log means, asked on the host, where the site's own catalogue lies (procedure
// M-04). Blocks; reads only.
#pragma once

#include <string>
#include <string_view>

#include "agent/config/agent_config.hpp"
#include "common/base/result.hpp"
#include "common/i18n/i18n.hpp"

namespace tocsin::agent {

// In both languages what the message with this id means, for instance "sshd.failed_password" or
// "ANR2997W", and how grave it is; what to do in `language`. Errors: not_found (no such message),
// invalid_argument (a mistake in one of the host's catalogues), as the system says.
Result<std::string> explain_message(const WarningsSettings& settings, std::string_view id,
                                    i18n::Language language);

}  // namespace tocsin::agent
