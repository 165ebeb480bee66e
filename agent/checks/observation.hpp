// How every check ends: an observation that saw, or one that says why it could not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/checks/check.hpp"
#include "common/base/result.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// Stamps observations of one run; make it first thing in a check.
class Run {
 public:
  Run(const model::CheckDefinition& definition, const CheckContext& context);

  model::Observation seen(model::Facts facts) const;
  // permission_denied becomes not_permitted, deadline_exceeded timed_out, everything else failed.
  model::Observation unseen(const Error& error) const;
  model::Observation unseen(model::Outcome outcome, model::Message detail) const;

  MonoTime started() const { return started_; }
  // When the run must be over.
  MonoTime deadline() const { return started_ + definition_.deadline; }

 private:
  const model::CheckDefinition& definition_;
  const time::TimeSource& time_;
  MonoTime started_;
};

// What the system said, cleaned: "run.error" with parameter "what".
model::Message error_detail(const std::string& what);

// One check as a run of its own.
RunTogether alone(RunCheck run);
// What `run` saw, an observation for each; where it throws, all of its checks are `failed`.
std::vector<model::Observation> guarded(const RunTogether& run,
                                        const std::vector<model::CheckDefinition>& checks,
                                        const std::vector<std::shared_ptr<CheckContext>>& contexts);

}  // namespace tocsin::agent
