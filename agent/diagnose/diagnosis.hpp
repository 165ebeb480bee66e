// One host's diagnosis by annex two of the procedure, clause by clause, from what its checks saw.
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/instant.hpp"
#include "common/model/check.hpp"
#include "common/model/policy.hpp"
#include "common/model/severity.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::agent {

struct JudgedCheck {
  model::Observation observation;
  model::Judgement judgement;
};

// A clause of the annex. Its texts are "diagnose.item.<name>" and, where nothing looked,
// "diagnose.not_run.<name>".
struct DiagnosisItem {
  std::string_view number;  // "3.1"; its first character is the group
  std::string_view name;    // "listeners"
  std::string_view clause;  // "M-07"
  model::Verdict verdict = model::Verdict::not_run;
  std::vector<JudgedCheck> checks;  // empty: not run
};

struct HostFacts {
  std::string name;
  std::string operating_system;
  Instant at;  // the host's wall clock when the diagnosis began
  Duration took{};
};

// Who approved the baseline, and for how long.
struct Approval {
  std::string by;
  Instant at;
  Instant expires;
};

struct Diagnosis {
  HostFacts host;
  std::optional<std::string> baseline_name;  // nullopt: none is approved
  std::uint32_t baseline_version = 0;
  std::optional<Approval> approval;  // nullopt: it is of a policy file
  std::vector<DiagnosisItem> items;  // in the annex's order
  model::Severity suggested = model::Severity::none;
};

// Judges `observations` and puts each under its clause. `only`: the kinds that were asked for;
// empty: the whole annex, with the clauses that no check can do yet as `not_run`. An item of
// several checks has the verdict that needs a person most.
Diagnosis compose_diagnosis(HostFacts host, const std::vector<model::Observation>& observations,
                            const std::vector<model::CheckKind>& only,
                            const model::Baseline* baseline, const model::RuleLimits& limits);

// Items of a verdict.
std::size_t count(const Diagnosis& diagnosis, model::Verdict verdict);

}  // namespace tocsin::agent
