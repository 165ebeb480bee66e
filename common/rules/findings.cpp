#include "common/rules/findings.hpp"

#include <algorithm>
#include <tuple>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::rules {
namespace {

using model::Judgement;
using model::Message;
using model::Parameter;
using model::Verdict;

bool before(const Message& a, const Message& b) {
  if (a.code != b.code) return a.code < b.code;
  return std::lexicographical_compare(
      a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end(),
      [](const Parameter& x, const Parameter& y) {
        return std::tie(x.name, x.value) < std::tie(y.name, y.value);
      });
}

void sort_unique(std::vector<Message>& messages) {
  std::sort(messages.begin(), messages.end(), before);
  messages.erase(std::unique(messages.begin(), messages.end()), messages.end());
}

}  // namespace

Parameter said(std::string_view name, std::string_view value) {
  std::string clean = clean_text(value, limits::kText);
  // "@code" means a text of ours; a host must not be able to speak in our words.
  if (clean.starts_with('@')) clean.replace(0, 1, "\\x40");
  return {std::string(name), std::move(clean)};
}

Parameter said(std::string_view name, std::uint64_t value) {
  return {std::string(name), std::to_string(value)};
}

std::string subject_part(std::string_view value) {
  return value.empty() ? "?" : clean_text(value, limits::kText);
}

void Findings::add(model::Violation violation, int weight) {
  found_.push_back({weight, std::move(violation)});
}

Judgement Findings::finish(Message normal) && {
  std::sort(found_.begin(), found_.end(), [](const Weighed& a, const Weighed& b) {
    const auto key = [](const Weighed& w) {
      return std::tuple(-w.weight, std::string_view(w.violation.code),
                        std::string_view(w.violation.subject));
    };
    if (key(a) != key(b)) return key(a) < key(b);
    return before(a.violation.message, b.violation.message);
  });
  Judgement judgement;
  std::size_t not_listed = 0;
  for (Weighed& next : found_) {
    const auto same = [&](const model::Violation& v) {
      return v.code == next.violation.code && v.subject == next.violation.subject;
    };
    if (std::any_of(judgement.violations.begin(), judgement.violations.end(), same)) continue;
    if (judgement.violations.size() == kViolations) {
      ++not_listed;
      continue;
    }
    judgement.reasons.push_back(next.violation.message);
    judgement.violations.push_back(std::move(next.violation));
  }
  if (not_listed > 0) {
    judgement.reasons.push_back({"observation.more", {said("count", not_listed)}});
  }
  judgement.verdict = !judgement.violations.empty() ? Verdict::abnormal
                      : !blind_.empty()             ? Verdict::cannot_tell
                                                    : Verdict::normal;
  if (judgement.verdict == Verdict::normal) judgement.reasons.push_back(std::move(normal));
  sort_unique(blind_);
  sort_unique(notes_);
  for (std::vector<Message>* more : {&blind_, &notes_}) {
    for (Message& reason : *more) {
      if (judgement.reasons.size() < limits::kReasons) {
        judgement.reasons.push_back(std::move(reason));
      }
    }
  }
  return judgement;
}

Message no_baseline(const model::Baseline* baseline, std::string_view part) {
  Message reason{"baseline.none", {{"part", std::string(part)}}};
  if (baseline == nullptr || !baseline->expired) return reason;
  reason.code = "baseline.expired";
  reason.parameters.push_back(said("name", baseline->name));
  reason.parameters.push_back(said("version", baseline->version));
  return reason;
}

Judgement conclude(Verdict verdict, Message reason) { return {verdict, {std::move(reason)}, {}}; }

Judgement conclude_abnormal(std::string subject, Message message) {
  return {Verdict::abnormal, {message}, {{message.code, std::move(subject), message}}};
}

}  // namespace tocsin::rules
