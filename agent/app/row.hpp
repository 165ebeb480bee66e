// Facts as rows of the spool. Pure.
#pragma once

#include <string>

#include "agent/spool/spool.hpp"
#include "common/model/fact.hpp"

namespace tocsin::agent {

// Encodes a fact so that it never passes limits::kFactBytes: where lists of listeners, peers or
// process groups are too long, their ends are dropped and counted in the *_over_limit fields.
NewFact bounded_row(model::Fact fact);

// How long what a check of this kind tells is kept while a spool fills: numbers that only grow into
// curves and limits go first, for what they tell is told again at the next step.
model::Priority priority_of(model::CheckKind kind);

// Of what was seen as the collector will read it from its row, so that both come to the same: what
// did not fit and what the wire cleans is not in it.
std::string digest_of_row(const NewFact& row, const model::Observation& seen);

}  // namespace tocsin::agent
