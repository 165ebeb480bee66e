// How the rules put a judgement together. The order in which things are added changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/policy.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::rules {

// At most this many violations of one observation become findings; the rest is counted and said.
inline constexpr std::size_t kViolations = 56;

// A parameter with text from the host: cleaned, bounded, and never taken for a message code.
model::Parameter said(std::string_view name, std::string_view value);
model::Parameter said(std::string_view name, std::uint64_t value);
// Text from the host as part of a subject: as `said`, and "?" where it is empty.
std::string subject_part(std::string_view value);

class Findings {
 public:
  // Something abnormal. `weight`: a larger one is more important and comes first.
  void add(model::Violation violation, int weight = 0);
  // Something that could not be seen: without violations the verdict is then `cannot_tell`.
  void blind(model::Message reason) { blind_.push_back(std::move(reason)); }
  // Worth saying, changes no verdict.
  void note(model::Message reason) { notes_.push_back(std::move(reason)); }

  // `normal`: the reason where nothing was found.
  model::Judgement finish(model::Message normal) &&;

 private:
  struct Weighed {
    int weight = 0;
    model::Violation violation;
  };
  std::vector<Weighed> found_;
  std::vector<model::Message> blind_;
  std::vector<model::Message> notes_;
};

// Why a part of a baseline cannot be compared with: none is approved, or not any more.
model::Message no_baseline(const model::Baseline* baseline, std::string_view part);

// A judgement of one reason and no violation.
model::Judgement conclude(model::Verdict verdict, model::Message reason);
// A judgement of one violation.
model::Judgement conclude_abnormal(std::string subject, model::Message message);

}  // namespace tocsin::rules
