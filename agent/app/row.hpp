// Facts as rows of the spool. Pure.
#pragma once

#include <string>

#include "agent/spool/spool.hpp"
#include "common/model/fact.hpp"

namespace tocsin::agent {

// Encodes a fact so that it never passes limits::kFactBytes: where lists of listeners, peers or
// process groups are too long, their ends are dropped and counted in the *_over_limit fields.
NewFact bounded_row(model::Fact fact);

}  // namespace tocsin::agent
