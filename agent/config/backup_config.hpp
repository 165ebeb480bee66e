// [[backups]] of the host's own file; private to agent/config.
#pragma once

#include <string>
#include <vector>

#include "agent/config/backup_settings.hpp"
#include "common/config/document.hpp"

namespace tocsin::agent {

std::vector<BackupSettings> read_backups(config::Table& root);
std::string print_backups(const std::vector<BackupSettings>& backups);

}  // namespace tocsin::agent
