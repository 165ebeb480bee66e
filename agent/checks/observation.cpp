#include "agent/checks/observation.hpp"

#include <exception>
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

RunTogether alone(RunCheck run) {
  return [run = std::move(run)](const auto& checks, const auto& contexts) {
    return std::vector{run(checks.front(), *contexts.front())};
  };
}

std::vector<model::Observation> guarded(
    const RunTogether& run, const std::vector<model::CheckDefinition>& checks,
    const std::vector<std::shared_ptr<CheckContext>>& contexts) {
  try {
    return run(checks, contexts);
  } catch (const std::exception& error) {
    std::vector<model::Observation> failed;
    for (std::size_t i = 0; i < checks.size(); ++i) {
      const Error why{ErrorCode::internal, error.what()};
      failed.push_back(Run(checks[i], *contexts[i]).unseen(why));
    }
    return failed;
  }
}

}  // namespace tocsin::agent
