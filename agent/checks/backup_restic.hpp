// restic, asked with a repository and a password file; private to the backup_job check.
#pragma once

#include "agent/checks/check.hpp"
#include "agent/checks/observation.hpp"
#include "agent/config/backup_settings.hpp"

namespace tocsin::agent {

model::Observation observe_restic(const Run& run, const BackupSettings& backup,
                                  CheckContext& context);

}  // namespace tocsin::agent
