// Abnormal warnings in a log (procedure M-04). Target: a file's absolute path, or "journal". The
// first run begins at the log's end; from then on no record is left out or counted twice, through
// rotation and restart. Records stay on the host: what goes up is what they mean, how many there
// were, and one example of each.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_warnings(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
