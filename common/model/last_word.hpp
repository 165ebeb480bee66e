// What an agent says of a check for the last time: neither the policy nor the host's own file names
// it any more. Whatever it found is then neither over nor known to go on.
#pragma once

#include <utility>

#include "common/model/check.hpp"

namespace tocsin::model {

inline constexpr const char* kCheckEnded = "check.ended";

inline Observation last_word(CheckRef check, Instant at) {
  Observation word;
  word.check = std::move(check);
  word.outcome = Outcome::not_applicable;
  word.detail = {kCheckEnded, {}};
  word.at = at;
  return word;
}

inline bool is_last_word(const Observation& observation) {
  return observation.outcome == Outcome::not_applicable && observation.detail.code == kCheckEnded;
}

}  // namespace tocsin::model
