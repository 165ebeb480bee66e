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

// What was not looked at (see model::Unseen).
model::Unseen everything();
model::Unseen nothing_else();  // than what is said apart
model::Unseen all_of(std::string_view code);
model::Unseen only(std::string_view code, std::string subject);
model::Unseen beginning(std::string_view code, std::string subjects);
model::Unseen ending(std::string_view code, std::string subjects);

class Findings {
 public:
  // Something abnormal. `weight`: a larger one is more important and comes first.
  void add(model::Violation violation, int weight = 0);
  // Something that could not be seen: without violations the verdict is then `cannot_tell`, and
  // what was found there before stays. Where nobody says what it is, that is everything.
  void blind(model::Message reason) { blind(std::move(reason), everything()); }
  void blind(model::Message reason, model::Unseen what) {
    blind_.push_back(std::move(reason));
    unseen(std::move(what));
  }
  // The same, where it changes no verdict.
  void unseen(model::Unseen what);
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
  std::vector<model::Unseen> unseen_;
};

// Why a part of a baseline cannot be compared with: none is approved, or not any more.
model::Message no_baseline(const model::Baseline* baseline, std::string_view part);

// A judgement of one reason and no violation: `normal` looked at everything, any other at nothing.
model::Judgement conclude(model::Verdict verdict, model::Message reason);
// A judgement of one violation, by a look at everything.
model::Judgement conclude_abnormal(std::string subject, model::Message message);

}  // namespace tocsin::rules
