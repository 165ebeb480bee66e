// M-03 from another machine: does the service answer in its own protocol?
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

std::string_view why(model::AnswerOutcome outcome) {
  switch (outcome) {
    case model::AnswerOutcome::refused:
      return "@answer.why.refused";
    case model::AnswerOutcome::timed_out:
      return "@answer.why.timed_out";
    case model::AnswerOutcome::unreachable:
      return "@answer.why.unreachable";
    case model::AnswerOutcome::tls_failed:
      return "@answer.why.tls_failed";
    case model::AnswerOutcome::no_answer:
      return "@answer.why.no_answer";
    case model::AnswerOutcome::wrong_answer:
    case model::AnswerOutcome::answered:
      break;
  }
  return "@answer.why.wrong_answer";
}

}  // namespace

model::Judgement judge_answer(const model::AnswerFacts& facts) {
  if (facts.outcome != model::AnswerOutcome::answered) {
    model::Judgement judgement =
        conclude_abnormal(subject_part(facts.url), {"answer.failed",
                                                    {said("url", facts.url),
                                                     {"why", std::string(why(facts.outcome))},
                                                     said("said", facts.said)}});
    // It did not get as far as saying how it is.
    judgement.unseen.push_back(all_of("answer.error_status"));
    return judgement;
  }
  // 5xx: it speaks, and says that it cannot.
  if (facts.status >= 500) {
    return conclude_abnormal(
        subject_part(facts.url),
        {"answer.error_status", {said("url", facts.url), said("status", facts.status)}});
  }
  return conclude(model::Verdict::normal,
                  {"answer.ok", {said("url", facts.url), said("said", facts.said)}});
}

}  // namespace tocsin::rules
