// Asks a virus scanner about what runs here and what was put where anybody can write (procedure
// M-10): clamd over its socket, or a program of the host's own file. Bounded by files, bytes and
// time; what was left out is counted. Never walks a backup's storage: only the folders that the
// file names.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_antivirus(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
