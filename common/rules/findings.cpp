#include "common/rules/findings.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::rules {
namespace {

using model::Judgement;
using model::Message;
using model::Parameter;
using model::Unseen;
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

void sort_unique(std::vector<Unseen>& all) {
  for (Unseen& one : all) {
    std::sort(one.subjects.begin(), one.subjects.end());
    one.subjects.erase(std::unique(one.subjects.begin(), one.subjects.end()), one.subjects.end());
  }
  std::sort(all.begin(), all.end(), [](const Unseen& a, const Unseen& b) {
    return std::tie(a.code, a.which, a.subjects) < std::tie(b.code, b.which, b.subjects);
  });
  all.erase(std::unique(all.begin(), all.end()), all.end());
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

Unseen everything() { return {}; }
Unseen nothing_else() { return {"", Unseen::Subjects::these, {}}; }
Unseen all_of(std::string_view code) { return {std::string(code), Unseen::Subjects::any, {}}; }
Unseen only(std::string_view code, std::string subject) {
  return {std::string(code), Unseen::Subjects::these, {std::move(subject)}};
}
Unseen beginning(std::string_view code, std::string subjects) {
  return {std::string(code), Unseen::Subjects::beginning, {std::move(subjects)}};
}
Unseen ending(std::string_view code, std::string subjects) {
  return {std::string(code), Unseen::Subjects::ending, {std::move(subjects)}};
}

void Findings::unseen(Unseen what) {
  if (what.which == Unseen::Subjects::these && what.subjects.empty()) return;
  const auto joins = [&](const Unseen& known) {
    return known.code == what.code && known.which == what.which &&
           what.which != Unseen::Subjects::but_these;
  };
  const auto known = std::find_if(unseen_.begin(), unseen_.end(), joins);
  if (known == unseen_.end()) {
    unseen_.push_back(std::move(what));
    return;
  }
  std::move(what.subjects.begin(), what.subjects.end(), std::back_inserter(known->subjects));
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
      unseen(only(next.violation.code, std::move(next.violation.subject)));
      continue;
    }
    judgement.reasons.push_back(next.violation.message);
    judgement.violations.push_back(std::move(next.violation));
  }
  if (not_listed > 0) {
    judgement.reasons.push_back({"observation.more", {said("count", not_listed)}});
  }
  sort_unique(unseen_);
  judgement.unseen = std::move(unseen_);
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

Judgement conclude(Verdict verdict, Message reason) {
  Judgement judgement{verdict, {std::move(reason)}, {}, {}};
  if (verdict != Verdict::normal) judgement.unseen.push_back(everything());
  return judgement;
}

Judgement conclude_abnormal(std::string subject, Message message) {
  return {Verdict::abnormal, {message}, {{message.code, std::move(subject), message}}, {}};
}

}  // namespace tocsin::rules
