// Does a service answer in its own protocol (procedure M-03, from another machine)? Target: a URL
// (answer_facts.hpp) with an address that the host's own file allows.
#pragma once

#include "agent/checks/check.hpp"

namespace tocsin::agent {

model::Observation observe_answer(const model::CheckDefinition& check, CheckContext& context);

}  // namespace tocsin::agent
