#include "agent/checks/observation.hpp"

#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

model::Outcome outcome_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::permission_denied:
      return model::Outcome::not_permitted;
    case ErrorCode::deadline_exceeded:
      return model::Outcome::timed_out;
    default:
      return model::Outcome::failed;
  }
}

}  // namespace

Run::Run(const model::CheckDefinition& definition, const CheckContext& context)
    : definition_(definition), time_(context.time), started_(context.time.steady()) {}

model::Observation Run::seen(model::Facts facts) const {
  model::Observation observation;
  observation.check = definition_.check;
  observation.outcome = model::Outcome::seen;
  observation.at = time_.wall();
  observation.took = time_.steady() - started_;
  observation.facts = std::move(facts);
  return observation;
}

model::Observation Run::unseen(model::Outcome outcome, model::Message detail) const {
  model::Observation observation = seen({});
  observation.outcome = outcome;
  observation.detail = std::move(detail);
  return observation;
}

model::Observation Run::unseen(const Error& error) const {
  return unseen(outcome_of(error.code), error_detail(error.message));
}

model::Message error_detail(const std::string& what) {
  model::Message message;
  message.code = "run.error";
  message.parameters = {{"what", clean_text(what, limits::kText)}};
  return message;
}

}  // namespace tocsin::agent
