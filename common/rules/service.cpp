// M-03: is the service running? A unit that is named for a check is expected to run, unless the
// baseline says it need not.
#include <algorithm>
#include <array>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::ServiceFacts;
using model::Verdict;

// Longer than any start or stop takes by systemd's defaults (90 s, twice for a stubborn stop).
constexpr Duration kChangingTooLong = 5min;
// A service that systemd restarts by itself is given this long to be back.
constexpr Duration kRestartTooLong = 60s;
// So many restarts by systemd itself within ten minutes are a crash loop, however alive the service
// looks between two crashes.
constexpr std::uint32_t kCrashLoop = 3;

struct Look {
  const ServiceFacts& f;
  bool required = true;
  Duration in_state{};
};

bool is_changing(const Look& s) {
  return s.f.active_state == "activating" || s.f.active_state == "deactivating";
}

bool waits_for_restart(const Look& s) {
  return s.f.active_state == "activating" && s.f.sub_state == "auto-restart";
}

struct ServiceRule {
  std::string_view code;
  Verdict verdict;
  std::string_view why;
  bool (*applies)(const Look&);
};

// First match wins; the last row always applies.
constexpr std::array kServiceRules{
    ServiceRule{"service.not_required", Verdict::normal, "",
                [](const Look& s) { return !s.required; }},
    ServiceRule{"service.crash_loop", Verdict::abnormal, "",
                [](const Look& s) {
                  return s.f.recent_restarts >= kCrashLoop && s.f.active_state != "failed";
                }},
    ServiceRule{"service.running", Verdict::normal, "",
                [](const Look& s) {
                  return s.f.active_state == "active" || s.f.active_state == "reloading";
                }},
    ServiceRule{"service.not_found", Verdict::abnormal, "",
                [](const Look& s) { return s.f.load_state == "not-found"; }},
    ServiceRule{"service.failed", Verdict::abnormal, "",
                [](const Look& s) {
                  return s.f.active_state == "failed" ||
                         (waits_for_restart(s) && s.in_state >= kRestartTooLong);
                }},
    // One crash that systemd answers at once is an event, no incident.
    ServiceRule{"service.restarting", Verdict::cannot_tell, "", waits_for_restart},
    ServiceRule{"service.inactive", Verdict::abnormal, "@why.masked",
                [](const Look& s) { return s.f.load_state == "masked"; }},
    ServiceRule{"service.finished", Verdict::normal, "",
                [](const Look& s) { return s.f.one_shot && s.f.active_state == "inactive"; }},
    // Between the stop and the start of a restart that somebody asked for.
    ServiceRule{"service.changing", Verdict::cannot_tell, "",
                [](const Look& s) {
                  return s.f.active_state == "inactive" && s.f.job_pending &&
                         s.in_state < kRestartTooLong;
                }},
    ServiceRule{"service.inactive", Verdict::abnormal, "@why.stopped",
                [](const Look& s) { return s.f.active_state == "inactive"; }},
    // A one-shot service does its work while "activating".
    ServiceRule{"service.running", Verdict::normal, "",
                [](const Look& s) { return s.f.one_shot && is_changing(s); }},
    ServiceRule{"service.inactive", Verdict::abnormal, "@why.changing",
                [](const Look& s) { return is_changing(s) && s.in_state >= kChangingTooLong; }},
    ServiceRule{"service.changing", Verdict::cannot_tell, "", is_changing},
    ServiceRule{"service.state_unknown", Verdict::cannot_tell, "",
                [](const Look&) { return true; }},
};

bool is_required(const ServiceFacts& facts, const model::Baseline* baseline) {
  if (baseline == nullptr) return true;
  const auto rule = std::find_if(baseline->services.begin(), baseline->services.end(),
                                 [&](const model::ServiceRule& r) { return r.unit == facts.unit; });
  return rule == baseline->services.end() || rule->must_run;
}

}  // namespace

model::Judgement judge_service(const ServiceFacts& facts, const model::Baseline* baseline,
                               Instant at) {
  const Look look{facts, is_required(facts, baseline), at - facts.state_since};
  const auto rule = std::find_if(kServiceRules.begin(), kServiceRules.end(),
                                 [&](const ServiceRule& r) { return r.applies(look); });
  // An exit status is a signed number; a negative one says a signal ended the process.
  model::Message message{
      std::string(rule->code),
      {said("unit", facts.unit), said("state", facts.active_state), said("result", facts.result),
       said("exit_status", std::to_string(facts.exit_status)),
       said("restarts", facts.recent_restarts), model::Parameter{"why", std::string(rule->why)}}};
  model::Judgement judgement = rule->verdict == Verdict::abnormal
                                   ? conclude_abnormal(subject_part(facts.unit), std::move(message))
                                   : conclude(rule->verdict, std::move(message));
  if (facts.restarts > 0 && rule->code != "service.not_required") {
    judgement.reasons.push_back(
        {"service.restarted", {said("unit", facts.unit), said("restarts", facts.restarts)}});
  }
  return judgement;
}

}  // namespace tocsin::rules
