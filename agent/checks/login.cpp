#include "agent/checks/login.hpp"

#include "agent/checks/observation.hpp"

namespace tocsin::agent {

model::Observation observe_login(const model::CheckDefinition& check, CheckContext& context) {
  return Run(check, context).unseen(model::Outcome::not_applicable, {"login.off", {}});
}

}  // namespace tocsin::agent
