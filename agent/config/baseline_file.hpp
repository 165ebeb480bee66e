// The approved baseline of this host as the link keeps it, so that `diagnose` can compare with it
// where no collector can be reached (procedure M-28). Written by the link, read by everybody who
// may read the agent's folder.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.hpp"
#include "common/model/baseline.hpp"

namespace tocsin::agent {

// nullopt: none is approved, or none came yet. Errors: data_loss where the file is not what was
// written (its digest says so), as the system says.
Result<std::optional<model::ApprovedBaseline>> read_baseline_file(const std::string& path);

// Replaces the file, or removes it where the digest is empty: none is approved any more. Errors:
// invalid_argument where the digest is another one's; as the system says.
Status write_baseline_file(const std::string& path, const model::ApprovedBaseline& baseline);

}  // namespace tocsin::agent
