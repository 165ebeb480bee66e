// Facts and policy to a verdict with reasons. Pure: reads no clock, file or log; same input, same
// output. Used by the collector's judge (stage 1) and by `tocsin-agent diagnose`.
#pragma once

#include "common/model/check.hpp"
#include "common/model/policy.hpp"
#include "common/model/severity.hpp"
#include "common/model/verdict.hpp"

namespace tocsin::rules {

// The version of the rule tables; stored with every decision. Raise it when a rule changes.
inline constexpr std::uint32_t kRulesVersion = 1;

// Judges one observation against what the site approved for this host (of a port scan: for the host
// that was scanned). `baseline` may be nullptr
// (none approved yet): what needs one is then `cannot_tell` with reason "baseline.none".
// An observation whose outcome is not `seen` is never `normal`.
model::Judgement judge(const model::Observation& observation, const model::Baseline* baseline,
                       const model::RuleLimits& limits);

// Listening ports (procedure M-07) and connection sources (M-08) apart, for a report clause by
// clause. Where no sources are approved, `sources` is `cannot_tell`.
enum class SocketsPart { listeners, sources };
model::Judgement judge_part(const model::SocketsFacts& facts, const model::Baseline* baseline,
                            SocketsPart part);

// The grade that one look at one host suggests for a violation, with nobody to confirm it: what the
// grading table says of its facts as a fresh suspicion. E where the code is not known.
model::Severity suggested_severity(const model::Violation& violation);

}  // namespace tocsin::rules
