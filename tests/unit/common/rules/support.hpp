// Words shared by the tests of the rules.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/rules/judge.hpp"

namespace tocsin::rules {

inline model::Observation seen(model::CheckKind kind, model::Facts facts) {
  model::Observation observation;
  observation.check.kind = kind;
  observation.at = Instant{1'800'000'000'000'000'000};
  observation.facts = std::move(facts);
  return observation;
}

inline std::string first_reason(const model::Judgement& judgement) {
  return judgement.reasons.empty() ? "" : judgement.reasons.front().code;
}

inline std::string parameter(const model::Message& message, const std::string& name) {
  for (const model::Parameter& p : message.parameters) {
    if (p.name == name) return p.value;
  }
  return "(none)";
}

inline bool says(const model::Judgement& judgement, const std::string& code) {
  for (const model::Message& reason : judgement.reasons) {
    if (reason.code == code) return true;
  }
  return false;
}

// How bad a verdict is, for the monotonicity properties.
inline int harm(model::Verdict verdict) {
  switch (verdict) {
    case model::Verdict::normal:
      return 0;
    case model::Verdict::abnormal:
      return 2;
    default:
      return 1;
  }
}

}  // namespace tocsin::rules
