// Any fact that can be decoded can be judged: always the same, with a reason, and never "normal"
// where nothing was seen or nothing was approved.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include <google/protobuf/stubs/logging.h>

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/i18n/i18n.hpp"
#include "common/rules/judge.hpp"
#include "common/wire/wire.hpp"

namespace {

using namespace tocsin;
using model::Verdict;

const model::Baseline& approved() {
  static const model::Baseline baseline = [] {
    model::Baseline made;
    made.name = "web";
    made.version = 1;
    made.has_listeners = made.has_processes = true;
    made.listeners = {
        {model::Protocol::tcp, {}, 22, 0, "/usr/sbin/sshd", "root", "ssh"},
        {model::Protocol::tcp, {model::AddressClass::any}, 8000, 8100, "", "", "web"}};
    made.sources = {{model::Protocol::tcp, 22, {"192.0.2.0/24", "2001:db8::/32"}}};
    made.services = {{"ssh.service", true}, {"cups.service", false}};
    made.processes = {{"java", "/opt/app/java", "app", "the application"}};
    return made;
  }();
  return baseline;
}

void check_violation(const model::Violation& violation) {
  TOCSIN_CHECK(!violation.code.empty() && !violation.subject.empty());
  TOCSIN_CHECK(!i18n::text(i18n::Language::en, violation.message.code).empty());
  TOCSIN_CHECK(rules::suggested_severity(violation) <= model::Severity::a);
  for (const model::Parameter& parameter : violation.message.parameters) {
    TOCSIN_CHECK(parameter.value.size() <= limits::kText + 8);
  }
}

void check(const model::Observation& observation, const model::Baseline* baseline) {
  const model::RuleLimits rule_limits;
  const model::Judgement judgement = rules::judge(observation, baseline, rule_limits);
  TOCSIN_CHECK(rules::judge(observation, baseline, rule_limits) == judgement);
  TOCSIN_CHECK(judgement.violations.empty() == (judgement.verdict != Verdict::abnormal));
  TOCSIN_CHECK(!judgement.reasons.empty() && !judgement.reasons.front().code.empty());
  TOCSIN_CHECK(judgement.reasons.size() <= limits::kReasons);
  if (observation.outcome != model::Outcome::seen) {
    TOCSIN_CHECK(judgement.verdict == Verdict::cannot_tell ||
                 judgement.verdict == Verdict::not_applicable);
  }
  const bool sockets = std::holds_alternative<model::SocketsFacts>(observation.facts);
  if (sockets && baseline == nullptr) TOCSIN_CHECK(judgement.verdict != Verdict::normal);
  for (const model::Violation& violation : judgement.violations) check_violation(violation);
}

void check(const model::Observation& observation) {
  check(observation, nullptr);
  check(observation, &approved());
  // The same look, had it not been seen, is never normal.
  model::Observation unseen = observation;
  for (const auto outcome :
       {model::Outcome::timed_out, model::Outcome::not_permitted, model::Outcome::failed}) {
    unseen.outcome = outcome;
    TOCSIN_CHECK(rules::judge(unseen, &approved(), {}).verdict == Verdict::cannot_tell);
  }
}

}  // namespace

// The library would print a line for each text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto fact = wire::decode_fact({reinterpret_cast<const char*>(data), size});
  if (!fact) return 0;
  if (const auto* observation = std::get_if<model::Observation>(&fact->body)) check(*observation);
  if (const auto* result = std::get_if<model::RequestResult>(&fact->body)) {
    for (const model::Observation& observation : result->observations) check(observation);
  }
  return 0;
}
