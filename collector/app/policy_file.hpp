// The site policy's file becomes policy in force only through the journal.
#pragma once

#include <string>

#include "collector/ports/intake.hpp"
#include "common/base/result.hpp"
#include "common/model/policy.hpp"

namespace tocsin::collector {

struct PolicyFile {
  std::string content;
  std::string digest;        // SHA-256, hex
  model::SitePolicy policy;  // what it says
};

// Reads and checks the file. Errors: not_found and others of reading it; invalid_argument with
// every mistake, one a line, each with name:line:column.
Result<PolicyFile> read_policy_file(const std::string& path);

// Journals the file's policy unless it says what is in force already. The position of its entry, or
// 0 where nothing changed.
Result<Position> submit_policy(const PolicyFile& file, const model::SitePolicy& in_force,
                               Intake& intake);

}  // namespace tocsin::collector
